package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"

	"hither/fusion"
)

// meetProtocol asks a node at which computer a pairing code is open: at itself, or, if
// it is a router, at one of its owner's that is behind it.
//
//	joiner → node   question  number
//	node → joiner   answer    status; if ok: the computer's ID
//
// The joiner then pairs with that computer, through the router (answerHop) if it is
// another one. The answer is a rumour: who it names has to know the words.
const meetProtocol = "/hither/meet/1"

type meetQuestion struct {
	Number string `json:"number"`
}

type meetAnswer struct {
	Status string        `json:"status"`
	ID     fusion.HostID `json:"id,omitempty"`
}

// answerMeet is for every key. What is asked in vain is bounded as guesses are.
func (n *Network) answerMeet(s network.Stream) {
	defer s.Reset()
	s.SetDeadline(time.Now().Add(n.cfg.tune.patience))
	var q meetQuestion
	if err := readFrame(s, &q); err != nil {
		return
	}
	if !n.meeting.limiter.take() {
		n.refuse(s, refusedBusy)
		return
	}
	id, why := n.whoOffers(q.Number)
	if why != "" {
		n.refuse(s, why)
		return
	}
	n.meeting.limiter.giveBack()
	if err := writeFrame(s, meetAnswer{Status: statusOK, ID: hostID(id)}); err == nil {
		s.CloseWrite()
		drain(s)
	}
}

// whoOffers gives the computer at which a code with this number is open.
func (n *Network) whoOffers(number string) (peer.ID, refusal) {
	if !isNumber(number) {
		return "", refusedInvalid
	}
	if n.offers.taken(number) { // of one that has ended, pairing says why
		return n.host.ID(), ""
	}
	switch ids := n.behind(func(l *link) bool { return l.meet == number }); len(ids) {
	case 0:
		return "", refusedUnknown
	case 1:
		return ids[0], ""
	}
	return "", refusedBusy
}

// behind gives the owner's computers that this router reaches and that satisfy ok,
// which is called with Network.mu held; none if this is no router.
func (n *Network) behind(ok func(*link) bool) []peer.ID {
	if !n.router.Load() {
		return nil
	}
	var ids []peer.ID
	n.mu.Lock()
	for id, l := range n.links {
		if best := l.best(n.cfg.tune.now()); best != nil && !viaRelay(best.conn) && ok(l) {
			ids = append(ids, id)
		}
	}
	n.mu.Unlock()
	return slices.DeleteFunc(ids, func(id peer.ID) bool { return !n.admin(id) })
}

// rendezvous gives where a computer elsewhere can ask for a code of this one: HOST:PORT
// of this computer where its own network's router opened a port, else of one of the
// owner's routers, and the name of that computer. Both are "" when none is known.
func (n *Network) rendezvous() (at, name string) {
	if at := n.Mapping().TCP; at.IsValid() {
		return at.String(), n.cfg.Name
	}
	for _, id := range n.routers() {
		r, _ := n.store.get(id)
		var dialed []ma.Multiaddr
		for _, c := range n.host.Network().ConnsToPeer(id) {
			if c.Stat().Direction == network.DirOutbound && !viaRelay(c) {
				dialed = append(dialed, c.RemoteMultiaddr())
			}
		}
		known := slices.Concat(dialed, multiaddrs(r.Addrs))
		for _, addr := range slices.Concat(slices.DeleteFunc(slices.Clone(known), isNear), dialed) {
			if family, text, err := manet.DialArgs(addr); err == nil && (family == "tcp4" || family == "tcp6") {
				return text, r.Name
			}
		}
	}
	return "", ""
}

// isNear says whether an address means nothing outside the own network.
func isNear(addr ma.Multiaddr) bool {
	ip, err := manet.ToIP(addr)
	at, ok := netip.AddrFromSlice(ip)
	return err != nil || !ok || !outsideAddr(at)
}

// sharedSpace is that of providers' own NATs (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// outsideAddr says whether an address can be one on the public network.
func outsideAddr(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !sharedSpace.Contains(ip)
}

// found is who offers a code, and the router through which it is reached, if any.
type found struct {
	peer.AddrInfo
	router peer.ID
}

// meet asks the node at HOST:PORT who shows a number. The key behind that address need
// not be known: what it says is not believed, the words decide.
func (n *Network) meet(ctx context.Context, at, number string) (found, error) {
	addrs, err := n.meetingPlace(ctx, at)
	if err != nil {
		return found{}, err
	}
	id, err := n.whoIs(ctx, addrs)
	if err != nil {
		return found{}, err
	}
	place := peer.AddrInfo{ID: id, Addrs: addrs}
	if id == n.host.ID() {
		return found{AddrInfo: place}, nil
	}
	stream, err := n.openOnce(ctx, place, meetProtocol)
	var missing multistream.ErrNotSupported[protocol.ID]
	switch {
	case ctx.Err() != nil:
		return found{}, ctx.Err()
	case errors.As(err, &missing):
		return found{}, &fusion.Error{Op: "host.pair", Path: clip(at, 100), Cause: fusion.ErrUnsupported,
			Hint: "update Hither on the computer at the address after the @"}
	case err != nil:
		return found{}, errNoNode(addrs, err)
	}
	defer stream.Reset()
	defer context.AfterFunc(ctx, func() { stream.Reset() })()
	stream.SetDeadline(time.Now().Add(dialTime))
	var answer meetAnswer
	if err = writeFrame(stream, meetQuestion{number}); err == nil {
		err = readFrame(stream, &answer)
	}
	if err != nil {
		return found{}, errNoNode(addrs, err)
	}
	if answer.Status != statusOK {
		return found{}, refusal(answer.Status).err()
	}
	other, err := peerID(answer.ID)
	if err != nil {
		return found{}, refusedInvalid.err()
	}
	if other == id {
		return found{AddrInfo: place}, nil
	}
	through := make([]ma.Multiaddr, 0, len(addrs))
	for _, addr := range addrs {
		through = append(through, addr.Encapsulate(ma.StringCast("/p2p/"+id.String()+"/p2p-circuit")))
	}
	return found{peer.AddrInfo{ID: other, Addrs: through}, id}, nil
}

// meetingPlace reads HOST:PORT.
func (n *Network) meetingPlace(ctx context.Context, at string) ([]ma.Multiaddr, error) {
	name, portText, err := net.SplitHostPort(at)
	port, perr := strconv.ParseUint(portText, 10, 16)
	if err != nil || perr != nil || port == 0 || name == "" {
		return nil, &fusion.Error{Op: "host.pair", Path: clip(at, 100), Cause: fusion.ErrInvalid, Detail: "not an address",
			Hint: "a code for another network looks like 4711-apple-river-stone@203.0.113.10:4711"}
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, &fusion.Error{Op: "host.pair", Path: clip(at, 100), Cause: fusion.ErrNotFound, Detail: err.Error(),
			Hint: "read the address after the @ again"}
	}
	var addrs []ma.Multiaddr
	for _, ip := range ips[:min(len(ips), maxAddrs)] {
		addr, err := manet.FromNetAddr(net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap(), uint16(port))))
		if err == nil && !inMesh(addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs, nil
}

// whoIs asks the first node that answers for its key.
func (n *Network) whoIs(ctx context.Context, addrs []ma.Multiaddr) (peer.ID, error) {
	last := errors.New("no address")
	for _, addr := range addrs {
		id, err := n.keyAt(ctx, addr)
		if err == nil {
			return id, nil
		}
		last = errors.Join(err, ctx.Err())
	}
	return "", errNoNode(addrs, last)
}

func errNoNode(addrs []ma.Multiaddr, why error) error {
	return &fusion.Error{Op: "host.pair", Path: strings.Join(addrTexts(addrs), " "), Cause: fusion.ErrOffline, Detail: why.Error(),
		Hint: "see that a node runs at this address and that no firewall is between"}
}

// keyAt begins a connection of libp2p (its TLS handshake) for the key alone.
func (n *Network) keyAt(ctx context.Context, addr ma.Multiaddr) (peer.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	family, text, err := manet.DialArgs(addr)
	if err != nil {
		return "", err
	}
	conn, err := new(net.Dialer).DialContext(ctx, family, text)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := multistream.SelectProtoOrFail(string(libp2ptls.ID), conn); err != nil {
		return "", err
	}
	config, key := n.identity.ConfigForPeer("")
	if err := tls.Client(conn, config).HandshakeContext(ctx); err != nil {
		return "", err
	}
	return peer.IDFromPublicKey(<-key)
}
