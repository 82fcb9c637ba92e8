package peers

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// punchTime bounds one try of three: TCP and TLS take three round trips, and a
	// first SYN that a NAT swallowed comes again after a second.
	punchTime = 1500 * time.Millisecond
	// askedSoon bounds how long a punch waits until both sides know how routers see
	// them.
	askedSoon = 400 * time.Millisecond
	// plainTime bounds a plain dial before a punch, with four round trips on top:
	// TCP or QUIC, TLS, and the muxer.
	plainTime  = 200 * time.Millisecond
	firstClimb = 2 * time.Second
	lastClimb  = time.Minute
)

// openPunch starts libp2p's service for DCUtR. When it punches, climb says.
func (n *Network) openPunch() error {
	ids, ok := n.host.(interface{ IDService() identify.IDService })
	if !ok {
		return errClosed("peers.open")
	}
	// The service takes no punches until there was an address, and looks for one at
	// growing intervals: a network that comes later would wait for it.
	var asked atomic.Bool
	addrs := func() []ma.Multiaddr {
		if !asked.Swap(true) {
			return n.host.Network().ListenAddresses()
		}
		return n.punchAddrs()
	}
	var err error
	n.punch, err = holepunch.NewService(byHand{n.host}, ids.IDService(), addrs, holepunch.DirectDialTimeout(punchTime),
		holepunch.WithTracer(tracer{n}))
	return err
}

// byHand is a host for libp2p's service that hears of no connection, so that it does
// not punch by itself, and knows no address, so that it does not dial before it
// punches: climbOnce does, and for as long as it takes on that path.
type byHand struct{ host.Host }

func (h byHand) Network() network.Network       { return unheard{h.Host.Network()} }
func (h byHand) Peerstore() peerstore.Peerstore { return addressless{h.Host.Peerstore()} }

type unheard struct{ network.Network }

func (unheard) Notify(network.Notifiee)     {}
func (unheard) StopNotify(network.Notifiee) {}

type addressless struct{ peerstore.Peerstore }

func (addressless) Addrs(peer.ID) []ma.Multiaddr { return nil }

// tracer hears how punches go.
type tracer struct{ network *Network }

func (t tracer) Trace(e *holepunch.Event) {
	t.network.cfg.Log.Debug("punch", "host", t.network.nameOf(e.Remote), "event", e.Type, "what", e.Evt)
	switch what := e.Evt.(type) {
	case *holepunch.StartHolePunchEvt: // libp2p tries eight addresses at a time: not those of old
		t.network.host.Peerstore().ClearAddrs(e.Remote)
	case *holepunch.EndHolePunchEvt:
		if !what.Success {
			t.network.missed(e.Remote)
		}
	}
}

// missed notes that a punch came to nothing; from then on WhyNot gives a reason.
func (n *Network) missed(id peer.ID) {
	n.mu.Lock()
	l := n.links[id]
	first := l != nil && !l.tried
	if first {
		l.tried = true
	}
	n.mu.Unlock()
	if first {
		n.notify(id)
	}
}

// punchAddrs are the addresses at which the other side may try to meet this one:
// those of its networks, and how routers see it.
func (n *Network) punchAddrs() []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, addr := range n.listenAddrs() {
		if !manet.IsIPLoopback(addr) && !manet.IsIP6LinkLocal(addr) {
			addrs = append(addrs, addr)
		}
	}
	return ma.Unique(slices.Concat(addrs, n.mappedAddrs(), n.outsideAddrs()))
}

// outsideAddrs are those at which routers see this computer. TCP's port is taken to
// be kept by the NAT: TCP is not asked about, and most do (RFC 5382, 7.1).
func (n *Network) outsideAddrs() []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, one := range n.seen.all() {
		addrs = append(addrs, thinWaist(one.addr, "udp", "/quic-v1"))
	}
	for _, ip := range n.seenAs() {
		if port := n.ports.tcpPort(ip.Is4()); port != 0 {
			addrs = append(addrs, thinWaist(netip.AddrPortFrom(ip, port), "tcp", ""))
		}
	}
	return ma.Unique(slices.DeleteFunc(addrs, func(a ma.Multiaddr) bool { return a == nil }))
}

// ownAddrs are those that others may dial at any time: of its networks, and how
// routers see it, unless that is another port for each connection. Where a port is
// forwarded to this computer, or nothing is before it but an address, they do.
func (n *Network) ownAddrs() []ma.Multiaddr {
	addrs := n.listenAddrs()
	if n.nat() != natChanges {
		addrs = ma.Unique(append(n.outsideAddrs(), addrs...)) // first: the list is cut
	}
	return ma.Unique(append(n.mappedAddrs(), addrs...))
}

// seenAs gives the addresses from which routers see connections of this computer come.
func (n *Network) seenAs() []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ips []netip.Addr
	for _, l := range n.links {
		if ip := l.seenAs.Unmap(); l.online && l.router && ip.IsValid() && !slices.Contains(ips, ip) {
			ips = append(ips, ip)
		}
	}
	return ips
}

func thinWaist(at netip.AddrPort, proto, tail string) ma.Multiaddr {
	family := "/ip6/"
	if at.Addr().Is4() {
		family = "/ip4/"
	}
	addr, err := ma.NewMultiaddr(family + at.Addr().String() + "/" + proto + "/" + strconv.Itoa(int(at.Port())) + tail)
	if err != nil {
		return nil
	}
	return addr
}

// climb tries to replace a relayed session by a direct one while it is the best.
// The side to which it came begins (DCUtR's rule), at once, then with growing
// pauses, and at once when an address of either side has changed.
func (n *Network) climb(s *session) {
	l, pause, seen := s.link, time.Duration(0), 0
	n.mu.Lock()
	seen = l.changes
	n.mu.Unlock()
	for {
		n.await(n.ctx, l, pause, func() bool { return s.dead || l.changes != seen })
		n.mu.Lock()
		over, best := s.dead, l.best(n.cfg.tune.now()) == s
		if l.changes != seen {
			seen, pause = l.changes, 0
		}
		n.mu.Unlock()
		if over || n.ctx.Err() != nil {
			return
		}
		if !best { // another one may have been broken for a while, unnoticed
			n.await(n.ctx, l, lastClimb, func() bool { return s.dead || l.best(n.cfg.tune.now()) == s })
			pause = 0
			continue
		}
		n.climbOnce(s)
		pause = min(max(2*pause, firstClimb), lastClimb)
	}
}

// climbOnce dials, and punches where that comes to nothing. A punch alone is not
// enough: both sides of it take the roles that DCUtR gives them, and where the
// other's port is open, TCP gets two servers and QUIC waits for a client that
// cannot come. On one network the dial has its time, as a punch does not prefer TCP.
func (n *Network) climbOnce(s *session) {
	id, within := s.conn.RemotePeer(), min(plainTime+4*s.roundTrip(), punchTime)
	if n.onOneNetwork(id) {
		within = punchTime
	}
	n.mu.Lock()
	says := s.link.says
	n.mu.Unlock()
	now := usable(mergeAddrs(n.nearby.addrs(hostID(id)), says), false)
	n.host.Peerstore().ClearAddrs(id) // of where it was before
	n.host.Peerstore().AddAddrs(id, multiaddrs(now), peerstore.TempAddrTTL)
	ctx, cancel := context.WithTimeout(network.WithForceDirectDial(n.ctx, "climb"), within)
	_, err := n.host.Network().DialPeer(ctx, id)
	cancel()
	if err == nil {
		return
	}
	// Not while the two agree on the moment: who waited then would come too late.
	until := time.Now().Add(askedSoon)
	n.seen.settle(n.ctx, askedSoon)
	n.await(n.ctx, s.link, time.Until(until), func() bool { return s.dead || s.link.nat != natUnknown })
	if err := n.punch.DirectConnect(id); err != nil {
		n.cfg.Log.Debug("punch", "host", n.nameOf(id), "err", err)
	}
}

// onOneNetwork says whether a computer has an address in a network of this one.
func (n *Network) onOneNetwork(id peer.ID) bool {
	nets, err := ownNets()
	if err != nil {
		return false
	}
	for _, addr := range n.addrsOf(id) {
		ip, err := manet.ToIP(addr)
		if err != nil || ip.IsLoopback() || ip.IsLinkLocalUnicast() { // every network has those
			continue
		}
		if slices.ContainsFunc(nets, func(own netip.Prefix) bool {
			at, ok := netip.AddrFromSlice(ip)
			return ok && own.Contains(at.Unmap())
		}) {
			return true
		}
	}
	return false
}
