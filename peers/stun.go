package peers

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/pion/stun/v3"
)

// A computer behind a NAT asks its routers at which address QUIC's socket is seen
// outside (STUN, RFC 8489, with short-term credentials): holes are punched there. It
// asks from that very socket, which also keeps the NAT's mapping. A router answers
// only whom it told a password in the greeting; others get no packet.
const (
	askEvery   = 20 * time.Second // a NAT may forget a mapping after 30 s (RFC 4787 asks for 2 min)
	askAgain   = 150 * time.Millisecond
	askTries   = 5
	maxAsk     = 64
	stunBuffer = 1500
)

// outside is how a router sees a socket of this computer.
type outside struct {
	local uint16 // port of the socket
	addr  netip.AddrPort
	by    netip.AddrPort // the router's address that answered
}

// seenKey is a router and a family.
type seenKey struct {
	router peer.ID
	v4     bool
}

// observer keeps what routers answered.
type observer struct {
	secret [32]byte // of this node's life: makes the passwords of those who ask

	mu      sync.Mutex // guards the fields below
	sockets []net.PacketConn
	waiting map[[stun.TransactionIDSize]byte]question
	seen    map[seenKey]outside
	silent  map[peer.ID]bool // routers that answered nothing: UDP is blocked
	asking  int
	idle    chan struct{} // closed when nobody asks any more
}

func (o *observer) init() {
	rand.Read(o.secret[:])
	o.waiting = map[[stun.TransactionIDSize]byte]question{}
	o.seen, o.silent = map[seenKey]outside{}, map[peer.ID]bool{}
	o.idle = make(chan struct{})
	close(o.idle)
}

// password is what a paired computer asks this router with.
func (o *observer) password(id peer.ID) string {
	sum := hmac.New(sha256.New, o.secret[:])
	sum.Write([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}

// observe reads STUN from the sockets of QUIC until the network ends.
func (n *Network) observe() {
	for _, addr := range n.host.Network().ListenAddresses() {
		udp, _, err := quicreuse.FromQuicMultiaddr(addr)
		if err != nil {
			continue // TCP
		}
		socket, err := n.ports.quic.SharedNonQUICPacketConn("udp", udp)
		if err != nil {
			n.cfg.Log.Warn("how this computer is seen outside stays unknown", "addr", addr, "err", err)
			continue
		}
		n.seen.mu.Lock()
		n.seen.sockets = append(n.seen.sockets, socket)
		n.seen.mu.Unlock()
		if err := n.turn.Open(socket); err != nil {
			n.cfg.Log.Warn("screens are not relayed by datagrams", "addr", addr, "err", err)
		}
		n.start(func() { n.readStun(socket) })
	}
}

func (n *Network) readStun(socket net.PacketConn) {
	stop := context.AfterFunc(n.ctx, func() { socket.Close() })
	defer func() {
		if stop() { // a second close would give back QUIC's own hold of the socket
			socket.Close()
		}
	}()
	buf := make([]byte, stunBuffer)
	for n.ctx.Err() == nil {
		size, from, err := socket.ReadFrom(buf)
		if err != nil {
			return
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok || !stun.IsMessage(buf[:size]) {
			continue
		}
		m := &stun.Message{Raw: append([]byte(nil), buf[:size]...)}
		if m.Decode() != nil {
			continue
		}
		switch {
		case m.Type == stun.BindingSuccess:
			n.seen.answered(m, udp.AddrPort())
		case m.Type == stun.BindingRequest && m.Contains(stun.AttrUsername):
			n.answerStun(socket, udp, m)
		case n.router.Load():
			n.turn.Take(socket, udp, m.Raw)
		}
	}
}

// answerStun tells a paired computer its address, and others nothing.
func (n *Network) answerStun(socket net.PacketConn, from *net.UDPAddr, m *stun.Message) {
	var name stun.Username
	if !n.router.Load() || name.GetFrom(m) != nil {
		return
	}
	id, err := peer.Decode(name.String())
	if err != nil || !n.paired(id) {
		return
	}
	key := stun.NewShortTermIntegrity(n.seen.password(id))
	if key.Check(m) != nil {
		return
	}
	answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: from.IP, Port: from.Port}, key, stun.Fingerprint)
	if err == nil {
		socket.WriteTo(answer.Raw, from) // lost like any datagram
	}
}

// question is a request that waits for its answer.
type question struct {
	key    stun.MessageIntegrity
	answer chan<- outside // of one; without the local port
}

// expect waits for the answer to a transaction until the returned func is called.
func (o *observer) expect(id [stun.TransactionIDSize]byte, key stun.MessageIntegrity, answer chan<- outside) func() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting[id] = question{key, answer}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.waiting, id)
	}
}

// answered takes a message from anybody.
func (o *observer) answered(m *stun.Message, by netip.AddrPort) {
	o.mu.Lock()
	q, ok := o.waiting[m.TransactionID]
	o.mu.Unlock()
	var mapped stun.XORMappedAddress
	if !ok || q.key.Check(m) != nil || mapped.GetFrom(m) != nil || mapped.Port <= 0 || mapped.Port > 65535 {
		return
	}
	if ip, ok := netip.AddrFromSlice(mapped.IP); ok {
		select {
		case q.answer <- outside{addr: netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port)), by: netip.AddrPortFrom(by.Addr().Unmap(), by.Port())}:
		default:
		}
	}
}

// begin and end count who asks now.
func (o *observer) begin() []net.PacketConn {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asking++; o.asking == 1 {
		o.idle = make(chan struct{})
	}
	return o.sockets
}

func (o *observer) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asking--; o.asking == 0 {
		close(o.idle)
	}
}

// keep replaces what a router said, or drops it when there is no address; true: it
// is news.
func (o *observer) keep(key seenKey, one outside) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	old, known := o.seen[key]
	if !one.addr.IsValid() {
		delete(o.seen, key)
		return known
	}
	o.seen[key] = one
	return old.local != one.local || old.addr != one.addr
}

// hush notes whether a router answers nothing; true: it is news.
func (o *observer) hush(router peer.ID, silent bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	news := o.silent[router] != silent
	o.silent[router] = silent
	return news
}

// clear drops what all said: this computer is somewhere else.
func (o *observer) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.seen)
	clear(o.silent)
}

// forget drops what a router said that is away.
func (o *observer) forget(router peer.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.seen, func(key seenKey, _ outside) bool { return key.router == router })
	delete(o.silent, router)
}

// ask asks a router from each socket and keeps what it says.
func (n *Network) ask(router peer.ID, password string) {
	o := &n.seen
	sockets := o.begin()
	defer o.end()
	r, ok := n.store.get(router)
	if !ok || password == "" {
		return
	}
	began := time.Now()
	var asks sync.WaitGroup
	var sent, heard atomic.Bool
	for _, socket := range sockets {
		bound, ok := socket.LocalAddr().(*net.UDPAddr)
		if !ok {
			continue
		}
		v4 := isIPv4(bound.IP)
		asks.Go(func() {
			tried, seen := n.askFrom(socket, quicAddrs(r.Addrs, v4), password)
			seen.local = uint16(bound.Port)
			sent.Store(sent.Load() || tried)
			heard.Store(heard.Load() || seen.addr.IsValid())
			if n.ctx.Err() == nil && o.keep(seenKey{router, v4}, seen) {
				n.cfg.Log.Debug("seen outside", "by", r.Name, "at", seen.addr, "after", time.Since(began))
				n.tellAll()
				n.changedPaths()
			}
		})
	}
	asks.Wait()
	if n.ctx.Err() == nil && o.hush(router, sent.Load() && !heard.Load()) {
		n.tellAll()
	}
}

// askFrom sends a question to every address of a router until one is answered. It
// gives whether any could be sent, and how the socket is seen.
func (n *Network) askFrom(socket net.PacketConn, to []*net.UDPAddr, password string) (sent bool, _ outside) {
	key := stun.NewShortTermIntegrity(password)
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(n.host.ID().String()), key, stun.Fingerprint)
	if err != nil {
		return false, outside{}
	}
	answer := make(chan outside, 1)
	defer n.seen.expect(m.TransactionID, key, answer)()
	for try := range askTries {
		reached := false
		for _, addr := range to {
			_, err := socket.WriteTo(m.Raw, addr)
			reached = reached || err == nil
		}
		if !reached {
			break
		}
		sent = true
		timer := time.NewTimer(askAgain << try)
		select {
		case seen := <-answer:
			timer.Stop()
			return true, seen
		case <-timer.C:
		case <-n.ctx.Done():
			timer.Stop()
			return true, outside{}
		}
	}
	return sent, outside{}
}

func isIPv4(ip net.IP) bool { return ip.To4() != nil }

// quicAddrs gives the addresses of one family at which a computer takes QUIC.
func quicAddrs(texts []string, v4 bool) []*net.UDPAddr {
	var list []*net.UDPAddr
	for _, addr := range multiaddrs(texts) {
		if udp, _, err := quicreuse.FromQuicMultiaddr(addr); err == nil && isIPv4(udp.IP) == v4 {
			list = append(list, udp)
		}
	}
	return list
}

// all gives what routers have seen.
func (o *observer) all() []outside {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.seen))
}

// isSilent says whether routers are there that answer nothing by UDP.
func (o *observer) isSilent() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, silent := range o.silent {
		if silent {
			return true
		}
	}
	return false
}

// settle waits until a router has answered or nobody asks, at most d.
func (o *observer) settle(ctx context.Context, d time.Duration) {
	o.mu.Lock()
	idle, known := o.idle, len(o.seen) > 0
	o.mu.Unlock()
	if known {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	case <-ctx.Done():
	}
}
