package peers

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// link is the tie to one paired computer: its sessions, and the goroutine that
// redials when there are none. Both computers redial; when both get through at
// once both connections stay, as closing one could break a call that had just
// begun on it.
type link struct {
	id     peer.ID
	cancel context.CancelFunc

	// Network.mu guards the fields below. changed is closed and replaced on
	// every change; kicked asks for a dial without waiting.
	sessions             map[*session]bool
	changed              chan struct{}
	top                  *session   // the best one when moved last looked
	changes              int        // rises when a direct connection may have become possible
	router               bool       // it passes on between its paired computers
	ask                  string     // the password for asking it how this computer is seen
	seenAs               netip.Addr // from where it sees this computer's connection come, if it is a router
	heardAt              int64      // when it said what it said last; see greeting.At
	tried                bool       // a direct connection was tried in vain
	says                 []string   // the addresses of its last greeting
	nat                  string     // what it says of its own way out
	meet                 string     // the number of its open pairing code
	online               bool
	refused              bool // they say that they do not know us
	kicked               bool
	pause                time.Duration // before the next redial
	seen                 time.Time
	attempts             map[*attempt]bool // dials under way
	agreeing, agreeAgain bool              // the owner's list is spoken of, and is to be once more
	knocking             bool
	dials                int // through routers too
}

// link makes the tie to a paired computer, or gives the one there is.
func (n *Network) link(id peer.ID) *link {
	n.mu.Lock()
	l := n.links[id]
	fresh := l == nil && !n.closed
	if fresh {
		ctx, cancel := context.WithCancel(n.ctx)
		r, _ := n.store.get(id)
		l = &link{id: id, cancel: cancel, seen: r.LastSeen, changed: make(chan struct{}),
			sessions: map[*session]bool{}, attempts: map[*attempt]bool{}}
		n.links[id] = l
		n.wg.Go(func() { n.keep(ctx, l) })
	}
	n.mu.Unlock()
	for _, conn := range n.host.Network().ConnsToPeer(id) {
		n.attach(conn)
	}
	return l
}

// unlink ends the tie to a computer that is no longer stored, and the given
// connections. Those that come later are a stranger's, and may be for pairing.
func (n *Network) unlink(id peer.ID, conns []network.Conn) {
	n.mu.Lock()
	if l := n.links[id]; l != nil {
		l.cancel()
		delete(n.links, id)
		for conn, s := range n.sessions {
			if s.link == l && !slices.Contains(conns, conn) {
				conns = append(conns, conn)
			}
		}
	}
	n.mu.Unlock()
	if err := n.gate.lift(id); err != nil {
		n.cfg.Log.Warn("limits", "err", err)
	}
	for _, conn := range conns {
		conn.Close()
	}
}

// signal wakes whoever waits for a change of the link. Network.mu is held.
func (l *link) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// arrived is called when a paired computer has answered on a session.
func (n *Network) arrived(s *session, theirs greeting) error {
	id := s.conn.RemotePeer()
	now := n.cfg.tune.now()
	if err := n.learn(id, theirs, s.conn); err != nil {
		return err
	}
	s.pong.Store(now.UnixNano())
	n.hear(id, theirs)
	n.mu.Lock()
	if s.dead {
		n.mu.Unlock()
		return errors.New("connection closed")
	}
	l := s.link
	l.sessions[s] = true
	came := !l.online
	l.online, l.refused, l.seen, l.pause = true, false, now, firstDelay
	l.signal()
	router := l.router
	for other := range l.sessions {
		if other != s { // it may have come because that one is broken
			other.hurry()
		}
	}
	for a := range l.attempts { // it is there: what else was tried is of no use
		a.cancel()
	}
	n.mu.Unlock()
	if came {
		n.cfg.Log.Info("online", "host", n.nameOf(id), "addr", s.conn.RemoteMultiaddr())
		n.notify(id)
	}
	n.moved(l)
	n.start(func() { n.agree(id) })
	switch {
	case s.kind() == throughRouter && s.conn.Stat().Direction == network.DirInbound:
		n.start(func() { n.climb(s) })
	case s.kind() != throughRouter && router:
		n.useRouter(s)
	}
	return nil
}

// lost is called, once or more, when a session has ended.
func (n *Network) lost(s *session, why error) {
	id, now := s.conn.RemotePeer(), n.cfg.tune.now()
	refused := errors.Is(why, errRefused)
	n.mu.Lock()
	if s.dead {
		n.mu.Unlock()
		return
	}
	l := s.link
	s.dead = true
	delete(n.sessions, s.conn)
	delete(l.sessions, s)
	went := l.online && len(l.sessions) == 0
	if went {
		l.online, l.tried, l.heardAt, l.seen, l.meet = false, false, 0, now, ""
	}
	turned := refused && !l.refused
	l.refused = l.refused || refused
	l.signal()
	quiet := n.closed
	n.mu.Unlock()
	n.resetOwned(s)
	if quiet {
		return
	}
	if went {
		n.cfg.Log.Info("offline", "host", n.nameOf(id), "why", why)
		if err := n.saveSeen([]peer.ID{id}); err != nil {
			n.cfg.Log.Warn("last seen", "err", err)
		}
	}
	if turned {
		n.refusedBy(id)
	}
	if refused && n.owner.Has(hostID(id)) { // it has not heard yet that this one is its owner's too
		n.start(func() { n.reintroduce(s.conn) })
	}
	if went || turned {
		n.notify(id)
	}
	n.moved(l)
}

// refusedBy deals with a computer that does not know this one. A pairing whose
// last message was cut is undone; a good one stays, as only a person forgets.
func (n *Network) refusedBy(id peer.ID) {
	r, ok := n.store.get(id)
	if !ok {
		return
	}
	n.cfg.Log.Warn("the other computer does not know this one", "host", r.Name)
	if !r.Confirmed {
		if err := n.forget(id); err != nil {
			n.cfg.Log.Warn("undo of a cut pairing", "host", r.Name, "err", err)
		}
	}
}

// learn keeps what an authenticated greeting says.
func (n *Network) learn(id peer.ID, theirs greeting, conn network.Conn) error {
	old, ok := n.store.get(id)
	if !ok {
		return errRefused
	}
	r := old
	r.Confirmed, r.Version = true, clip(theirs.Version, 64)
	r.Theirs = cleanName(theirs.Name)
	addrs := usable(theirs.Addrs, viaLoopback(conn))
	if conn.Stat().Direction == network.DirOutbound && !viaRelay(conn) {
		addrs = mergeAddrs(usable([]string{conn.RemoteMultiaddr().String()}, true), addrs)
	}
	r.Addrs = mergeAddrs(addrs, old.Addrs)
	if r.Confirmed == old.Confirmed && r.Version == old.Version && r.Theirs == old.Theirs && sameSet(r.Addrs, old.Addrs) {
		return nil
	}
	err := n.store.update(func(next map[peer.ID]record) error {
		now, ok := next[id]
		if !ok {
			return errRefused
		}
		r.Name, r.Grants, r.Color = now.Name, now.Grants, now.Color
		if r.Theirs != now.Theirs {
			delete(next, id)
			r.Name = freeName(r.Theirs, func(name string) bool { return name == n.cfg.Name || named(next, name) })
		}
		next[id] = r
		return nil
	})
	switch {
	case errors.Is(err, errRefused):
		return err
	case err != nil: // a full disk does not make a computer unreachable
		n.cfg.Log.Warn("what a computer said of itself is not kept", "host", old.Name, "err", err)
	default:
		n.notify(id)
	}
	return nil
}

// Delays between redials.
const (
	firstDelay  = 200 * time.Millisecond
	recentDelay = 5 * time.Second  // at most, for a computer seen within recentTime
	longDelay   = 60 * time.Second // at most, for others and for one that refuses us
	recentTime  = 10 * time.Minute
	dialTime    = 5 * time.Second
	shortDial   = 1500 * time.Millisecond
)

// keep redials while there is no session, until the link ends.
func (n *Network) keep(ctx context.Context, l *link) {
	for ctx.Err() == nil {
		n.await(ctx, l, time.Hour, func() bool { return !n.connectingLocked(l) })
		n.mu.Lock()
		pause := l.pause
		n.mu.Unlock()
		if pause > 0 {
			pause = pause/2 + rand.N(pause)
		}
		n.await(ctx, l, pause, func() bool { return l.kicked || n.connectingLocked(l) })
		n.mu.Lock()
		l.pause = l.nextPause(n.cfg.tune.now())
		l.kicked = false
		connecting := n.connectingLocked(l)
		n.mu.Unlock()
		if connecting || ctx.Err() != nil {
			continue
		}
		if err := n.dial(ctx, l, dialTime); err != nil {
			n.cfg.Log.Debug("redial", "host", l.id, "err", err)
		}
	}
}

// nextPause gives the time before the redial after this one.
func (l *link) nextPause(now time.Time) time.Duration {
	switch {
	case l.refused:
		return longDelay
	case l.kicked:
		return firstDelay
	case now.Sub(l.seen) < recentTime:
		return min(max(2*l.pause, firstDelay), recentDelay)
	}
	return min(max(2*l.pause, firstDelay), longDelay)
}

// await waits until ok (called with Network.mu held), at most d.
func (n *Network) await(ctx context.Context, l *link, d time.Duration, ok func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		n.mu.Lock()
		done, changed := ok(), l.changed
		n.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		case <-n.ctx.Done():
			return false
		}
	}
}

// kick asks for a redial at once: somebody has seen the computer.
func (n *Network) kick(id peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.links[id]; l != nil && !l.online {
		l.kicked = true
		l.signal()
	}
}

// connectingLocked says whether a session is up or about to be.
func (n *Network) connectingLocked(l *link) bool {
	for _, s := range n.sessions {
		if s.link == l {
			return true
		}
	}
	return false
}

// dial connects to a paired computer at every address that is known or rumoured.
// When a knock says that the path has just come back it begins anew.
func (n *Network) dial(ctx context.Context, l *link, within time.Duration) error {
	for {
		relayed := n.relayed(l.id)
		n.host.Peerstore().AddAddrs(l.id, append(n.addrsOf(l.id), relayed...), peerstore.TempAddrTTL)
		n.clearBackoff(l.id)
		one, done := n.attempt(ctx, l, n.limit(l, within, len(relayed) > 0), len(relayed) > 0)
		conn, err := n.host.Network().DialPeer(one, l.id)
		back := errors.Is(one.Err(), context.Canceled) && ctx.Err() == nil && n.ctx.Err() == nil
		done()
		if err == nil {
			n.attach(conn)
			return nil
		}
		if !back || n.online(l) {
			return err
		}
	}
}

func (n *Network) online(l *link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return l.online
}

func (n *Network) addrsOf(id peer.ID) []ma.Multiaddr {
	r, _ := n.store.get(id)
	return multiaddrs(mergeAddrs(n.nearby.addrs(hostID(id)), r.Addrs))
}

// clearBackoff makes libp2p dial at once: the pauses are this package's own.
func (n *Network) clearBackoff(id peer.ID) {
	if s, ok := n.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(id)
	}
}

func (n *Network) nameOf(id peer.ID) string {
	r, _ := n.store.get(id)
	return or(r.Name, id.String())
}

func (n *Network) onlineLocked() []peer.ID {
	var ids []peer.ID
	for id, l := range n.links {
		if l.online {
			ids = append(ids, id)
		}
	}
	return ids
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func clip(text string, most int) string { return text[:min(len(text), most)] }
