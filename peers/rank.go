package peers

import (
	"cmp"
	"errors"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// Kinds of sessions, the best first: TCP carries twice as much as QUIC, and a
// router adds a way and shares its line.
const (
	directTCP = iota
	directQUIC
	throughRouter
)

// kind is directTCP, directQUIC or throughRouter.
func (s *session) kind() int {
	addr := s.conn.RemoteMultiaddr()
	if isRelayed(addr) {
		return throughRouter
	}
	if _, err := addr.ValueForProtocol(ma.P_TCP); err == nil {
		return directTCP
	}
	return directQUIC
}

// roundTrip is how long an answer takes, smoothed; 0 before the first.
func (s *session) roundTrip() time.Duration { return time.Duration(s.rtt.Load()) }

// measured takes one round trip: the first as it is, later ones by an eighth (as
// RFC 6298 smooths TCP's).
func (s *session) measured(took time.Duration) {
	if old := s.rtt.Load(); old != 0 {
		took = time.Duration(old) + (took-time.Duration(old))/8
	}
	s.rtt.Store(int64(max(took, 1)))
}

// late says that an answer is owed for longer than a heartbeat usually takes.
func (s *session) late(now time.Time) bool {
	return now.UnixNano()-s.pong.Load() > int64(2*s.interval+2*s.roundTrip())
}

// better orders the sessions of one computer: those that answer before those that
// are late, then by kind, then the one that has lasted.
func better(a, b *session, now time.Time) int {
	late := func(s *session) int {
		if s.late(now) {
			return 1
		}
		return 0
	}
	if x, y := late(a), late(b); x+y == 2 {
		return cmp.Compare(b.pong.Load(), a.pong.Load())
	} else if x != y {
		return x - y
	}
	return cmp.Or(cmp.Compare(a.kind(), b.kind()), cmp.Compare(a.number, b.number))
}

// climbs says whether streams should leave session b for a: a answers, and is of a
// better kind or b is late. Of two that are as good they stay where they are.
func climbs(a, b *session, now time.Time) bool {
	return !a.late(now) && (a.kind() < b.kind() || b.late(now))
}

// ranked gives the sessions of a link, the best first. Network.mu is held.
func (l *link) ranked(now time.Time) []*session {
	list := make([]*session, 0, len(l.sessions))
	for s := range l.sessions {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *session) int { return better(a, b, now) })
	return list
}

// best is the session that new streams take, or nil. Network.mu is held.
func (l *link) best(now time.Time) *session {
	if list := l.ranked(now); len(list) > 0 {
		return list[0]
	}
	return nil
}

// moved looks whether another session of a link is the best now. Lasting streams go
// there, and watchers hear of it.
func (n *Network) moved(l *link) {
	now := n.cfg.tune.now()
	n.mu.Lock()
	best := l.best(now)
	changed := best != l.top
	if changed {
		l.top = best
		l.signal()
	}
	n.mu.Unlock()
	if changed && best != nil {
		n.cfg.Log.Info("path", "host", n.nameOf(l.id), "addr", best.conn.RemoteMultiaddr())
		n.lasting.Path(hostID(l.id))
		n.notify(l.id)
	}
}

// changedPaths tells the links that climb that an attempt may do better now.
func (n *Network) changedPaths() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		l.changes++
		l.signal()
	}
}

// transport names how packets of a session travel.
func (s *session) transport() string {
	addr := s.conn.RemoteMultiaddr()
	if s.kind() == throughRouter { // of the way to the router
		addr, _ = ma.SplitFunc(addr, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
	}
	if _, err := addr.ValueForProtocol(ma.P_TCP); err == nil {
		return "tcp"
	}
	return "quic"
}

// fill puts a link's present way into a Peer; Via and WhyNot are found by the func
// that it gives, without Network.mu, which is held here.
func (n *Network) fill(p *Peer, l *link) (rest func()) {
	best := l.best(n.cfg.tune.now())
	if best == nil {
		return func() {}
	}
	p.Path, p.RTT, p.Transport = "direct", best.roundTrip(), best.transport()
	p.Addr = best.conn.RemoteMultiaddr().String()
	if best.kind() != throughRouter {
		return func() {}
	}
	p.Path = "relay"
	says, nat, tried := l.says, l.nat, l.tried
	return func() {
		p.Via = n.nameOf(routerOf(best.conn))
		p.WhyNot = n.whyNot(p.Name, says, nat, tried)
	}
}

// errSpare ends a relayed session that nobody needs any more.
var errSpare = errors.New("a direct connection has taken its place")

// spareAfter is how long a better session must have answered before a relayed one
// is closed: both sides have noticed by then, and open nothing on it.
const spareAfter = 3 * time.Second

// spare says whether a relayed session has neither purpose nor streams.
func (n *Network) spare(s *session) bool {
	now := n.cfg.tune.now()
	n.mu.Lock()
	best := s.link.best(now)
	if s.kind() != throughRouter || best == nil || best == s || best.kind() == throughRouter {
		s.spareSince = time.Time{}
		n.mu.Unlock()
		return false
	}
	n.mu.Unlock()
	for _, stream := range s.conn.GetStreams() {
		if stream.Protocol() != pulseProtocol {
			s.spareSince = time.Time{}
			return false
		}
	}
	if s.spareSince.IsZero() {
		s.spareSince = now
	}
	return now.Sub(s.spareSince) >= spareAfter
}
