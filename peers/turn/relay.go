package turn

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/turn/v5"
)

// address is a relayed one. No two have one IP address, as permissions are of those.
type address = netip.Addr

var unrouted = netip.MustParsePrefix("240.0.0.0/4")

// relay is what an allocation sends from and gets to. The allocation closes it.
type relay struct {
	server  *Server
	host    string
	at      netip.AddrPort
	in      chan datagram
	done    chan struct{}
	closing sync.Once
}

var _ net.PacketConn = (*relay)(nil)

// room says whether a host may have one allocation more.
func (s *Server) room(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roomLocked(host)
}

func (s *Server) roomLocked(host string) bool {
	has := 0
	for _, r := range s.relays {
		if r.host == host {
			has++
		}
	}
	return !s.closed && has < maxOfHost && len(s.relays) < maxOfAll
}

// permits says whether datagrams of an address may be let in: of another allocation.
func (s *Server) permits(_ net.Addr, ip net.IP) bool {
	to, ok := netip.AddrFromSlice(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok && s.relays[to.Unmap()] != nil
}

// generator makes relays.
type generator struct{ server *Server }

var (
	errFull     = errors.New("too many allocations")
	errProtocol = errors.New("only UDP and IPv4 are relayed")
)

func (g generator) Validate() error { return nil }

func (g generator) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if c.Network != "udp4" {
		return nil, nil, errProtocol
	}
	s := g.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.roomLocked(c.UserID) {
		return nil, nil, errFull
	}
	r := &relay{server: s, host: c.UserID, at: s.freeLocked(), in: make(chan datagram, relayQueue), done: make(chan struct{})}
	s.relays[r.at.Addr()] = r
	if s.sending[r.host] == nil {
		s.sending[r.host] = &bucket{rate: bytesASecond, most: bytesAtOnce}
	}
	return r, r.LocalAddr(), nil
}

// freeLocked gives an address that is nobody's. That it cannot be guessed protects
// nothing: permissions do.
func (s *Server) freeLocked() netip.AddrPort {
	for {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], 0xf0000000|rand.Uint32N(0x0ffffffe)) // not the broadcast address
		if at := netip.AddrFrom4(ip); s.relays[at] == nil {
			return netip.AddrPortFrom(at, uint16(1024+rand.IntN(64512)))
		}
	}
}

func (g generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errProtocol
}

func (g generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errProtocol }

// ReadFrom waits for a datagram of another relay.
func (r *relay) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-r.in:
		return copy(b, d.bytes), d.from, nil
	case <-r.done:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo puts a datagram before another relay, if there is one and room.
func (r *relay) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not UDP")
	}
	s, at := r.server, udp.AddrPort()
	s.mu.Lock()
	mine, other := s.relays[r.at.Addr()], s.relays[at.Addr().Unmap()]
	sends := mine == r && other != nil && other.at.Port() == at.Port() && s.sending[r.host].take(s.now(), float64(len(b)))
	s.mu.Unlock()
	if mine != r {
		return 0, net.ErrClosed
	}
	if sends {
		select {
		case other.in <- datagram{append([]byte(nil), b...), r.LocalAddr()}:
		default: // lost, as datagrams are
		}
	}
	return len(b), nil
}

// cut gives the address back: nothing is sent or comes any more. The allocation goes
// when it is not refreshed, as pion lets only the reader of its socket end one safely.
func (r *relay) cut() {
	s := r.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.relays[r.at.Addr()] != r {
		return
	}
	delete(s.relays, r.at.Addr())
	for _, other := range s.relays {
		if other.host == r.host {
			return
		}
	}
	delete(s.sending, r.host)
}

// Close is called by the allocation at its end.
func (r *relay) Close() error {
	r.cut()
	r.closing.Do(func() { close(r.done) })
	return nil
}

func (r *relay) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(r.at) }

func (r *relay) SetDeadline(time.Time) error      { return nil }
func (r *relay) SetReadDeadline(time.Time) error  { return nil }
func (r *relay) SetWriteDeadline(time.Time) error { return nil }
