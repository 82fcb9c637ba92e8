package peers

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// What a router gives its paired computers. Nothing is limited in bytes or time:
// they are one owner's. The memory of all circuits is bounded (limits, host.go).
const (
	maxReservations = 1024
	maxCircuits     = 64 // of one computer
	circuitBuffer   = 32 << 10
	circuitMemory   = 64 << 20 // 1,024 circuits of two buffers
	reserveFor      = time.Hour
)

// openRelay starts the relay service (circuit relay v2). It runs on every node, so
// that what identify says of a node never tells whether it is a router; a node
// without the role refuses all.
func (n *Network) openRelay() error {
	service, err := relay.New(n.host, relay.WithACL(door{n}), relay.WithResources(relay.Resources{
		ReservationTTL: reserveFor, MaxReservations: maxReservations, MaxCircuits: maxCircuits, BufferSize: circuitBuffer,
		MaxReservationsPerIP: maxReservations, MaxReservationsPerASN: maxReservations,
	}), relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return false }))
	n.relay = service
	return err
}

// door is the relay's access control: both ends are paired with this router.
type door struct{ network *Network }

func (d door) AllowReserve(id peer.ID, _ ma.Multiaddr) bool {
	return d.network.router.Load() && d.network.paired(id)
}

func (d door) AllowConnect(from peer.ID, _ ma.Multiaddr, to peer.ID) bool {
	return d.network.router.Load() && d.network.paired(from) && d.network.paired(to)
}

// SetRouter says whether this computer passes on what its paired computers send to
// each other (the role router). They hear of it at once; what passes through when
// it ends is cut off and finds another way.
func (n *Network) SetRouter(on bool) {
	if n.router.Swap(on) == on {
		return
	}
	n.tellAll()
	if on {
		return
	}
	n.turn.RevokeAll()
	for _, conn := range n.host.Network().Conns() {
		for _, s := range conn.GetStreams() {
			in := s.Stat().Direction == network.DirInbound
			if s.Protocol() == proto.ProtoIDv2Hop && in || s.Protocol() == proto.ProtoIDv2Stop && !in {
				s.Reset()
			}
		}
	}
}

// viaRelay says whether a connection goes through a router.
func viaRelay(conn network.Conn) bool { return isRelayed(conn.RemoteMultiaddr()) }

func isRelayed(addr ma.Multiaddr) bool {
	_, err := addr.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}

// routerOf gives the router of a relayed connection.
func routerOf(conn network.Conn) peer.ID { return routerIn(conn.RemoteMultiaddr()) }

// routerIn gives the router in a relayed address, "" if there is none.
func routerIn(addr ma.Multiaddr) peer.ID {
	text, err := addr.ValueForProtocol(ma.P_P2P)
	if err != nil {
		return ""
	}
	id, _ := peer.Decode(text)
	return id
}

// routers gives the paired routers that can be reached without one, the nearest
// first.
func (n *Network) routers() []peer.ID {
	type far struct {
		id  peer.ID
		rtt time.Duration
	}
	var list []far
	n.mu.Lock()
	for id, l := range n.links {
		if best := l.best(n.cfg.tune.now()); l.router && best != nil && !viaRelay(best.conn) {
			list = append(list, far{id, best.roundTrip()})
		}
	}
	n.mu.Unlock()
	slices.SortFunc(list, func(a, b far) int { return int(a.rtt - b.rtt) })
	var ids []peer.ID
	for _, one := range list {
		ids = append(ids, one.id)
	}
	return ids
}

// relayed gives the addresses of a computer through every router that this one is
// paired with. Whether that computer is known there, the router says; trying all
// needs no rendezvous.
func (n *Network) relayed(id peer.ID) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, router := range n.routers() {
		if router == id {
			continue
		}
		if addr, err := ma.NewMultiaddr("/p2p/" + router.String() + "/p2p-circuit"); err == nil {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// useRouter begins what a session with a router is used for.
func (n *Network) useRouter(s *session) {
	n.seen.begin() // before anybody comes through it and wants to know
	if !n.start(func() {
		n.mu.Lock()
		password := s.link.ask
		n.mu.Unlock()
		n.ask(s.conn.RemotePeer(), password)
		n.seen.end()
		n.watchOutside(s)
	}) {
		n.seen.end()
	}
	n.start(func() { n.reserve(s) })
}

// watchOutside asks a router again and again how this computer is seen, and at once
// when something has changed, while a session with it lives.
func (n *Network) watchOutside(s *session) {
	l, id := s.link, s.conn.RemotePeer()
	for {
		n.mu.Lock()
		wanted, password, seen := !s.dead && l.router, l.ask, l.changes
		last := !l.router || len(l.sessions) == 0
		n.mu.Unlock()
		if !wanted || n.ctx.Err() != nil {
			if last { // another session may go on asking
				n.seen.forget(id)
			}
			return
		}
		n.await(n.ctx, l, askEvery, func() bool { return s.dead || !l.router || l.changes != seen })
		n.ask(id, password)
	}
}

// reserved dials who is away anew, now that there is a router: of two computers that
// come to one at once, the one whose reservation is the later finds the other there.
func (n *Network) reserved() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		if l.online {
			continue
		}
		l.kicked = true
		l.signal()
		for a := range l.attempts {
			if !a.relayed { // else it may just have got through
				a.cancel()
			}
		}
	}
}

// reserve keeps a reservation at a router while a session with it lives: the router
// forgets it when the last connection ends.
func (n *Network) reserve(s *session) {
	l, id, pause := s.link, s.conn.RemotePeer(), firstDelay
	over := func() bool { return s.dead || !l.router }
	for !n.await(n.ctx, l, 0, over) && n.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(n.ctx, dialTime)
		_, err := client.Reserve(ctx, n.host, peer.AddrInfo{ID: id})
		cancel()
		wait := reserveFor / 2
		if err == nil {
			n.reserved()
			pause = firstDelay
		} else {
			n.cfg.Log.Debug("reservation", "router", n.nameOf(id), "err", err)
			wait = pause/2 + rand.N(pause)
			pause = min(2*pause, longDelay)
		}
		n.await(n.ctx, l, wait, over)
	}
}

// limit bounds one dial. With routers most are short: a dial asks each router once,
// and the other side may come to one any moment. Each fourth is long, for a path
// that only QUIC finds.
func (n *Network) limit(l *link, within time.Duration, relayed bool) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !relayed {
		return within
	}
	l.dials++
	if l.dials%4 != 0 {
		return min(within, shortDial)
	}
	return within
}
