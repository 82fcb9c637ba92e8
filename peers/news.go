package peers

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// newsProtocol carries one greeting from its opener: what has changed since the
// pulse began (addresses, the role of a router, what is known of the own network).
// A release that lacks it hears of it with the next connection.
const newsProtocol = "/hither/news/1"

// tellAll tells every computer that is online the greeting of now.
func (n *Network) tellAll() {
	select {
	case n.news <- struct{}{}:
	default: // those that are about to be told hear of it too
	}
}

// tell runs until the network ends.
func (n *Network) tell() {
	for {
		select {
		case <-n.news:
		case <-n.ctx.Done():
			return
		}
		// Also who is just being greeted: that greeting may be an older one.
		n.mu.Lock()
		sessions := slices.Collect(maps.Values(n.sessions))
		n.mu.Unlock()
		for _, s := range sessions {
			n.start(func() { n.tellOne(s) })
		}
	}
}

func (n *Network) tellOne(s *session) {
	stream, err := openStream(n.ctx, s.conn, newsProtocol, n.cfg.tune.patience)
	if err != nil {
		n.cfg.Log.Debug("news", "host", n.nameOf(s.conn.RemotePeer()), "err", err)
		return
	}
	defer stream.Close()
	stream.SetDeadline(time.Now().Add(n.cfg.tune.patience))
	if err := writeFrame(stream, n.greeting(s.conn)); err != nil {
		stream.Reset()
	}
}

// answerNews takes the news of a paired computer.
func (n *Network) answerNews(stream network.Stream) {
	defer stream.Close()
	stream.SetDeadline(time.Now().Add(n.cfg.tune.patience))
	var theirs greeting
	if err := readFrame(stream, &theirs); err != nil {
		stream.Reset()
		return
	}
	id := stream.Conn().RemotePeer()
	if err := n.learn(id, theirs, stream.Conn()); err != nil {
		return
	}
	n.hear(id, theirs)
}

// hear takes what a greeting says of the moment and what is not stored.
func (n *Network) hear(id peer.ID, theirs greeting) {
	n.mu.Lock()
	l := n.links[id]
	if l == nil || theirs.At < l.heardAt {
		n.mu.Unlock()
		return
	}
	l.heardAt = theirs.At
	became := theirs.Router && !l.router
	news := l.nat != theirs.Nat || !sameSet(l.says, theirs.Addrs)
	l.says = theirs.Addrs[:min(len(theirs.Addrs), maxAddrs)]
	l.seenAs, _ = netip.ParseAddr(theirs.Seen)
	l.router, l.ask, l.nat, l.changes = theirs.Router, clip(theirs.Ask, maxAsk), clip(theirs.Nat, 16), l.changes+1
	if meet := theirs.Meet; !isNumber(meet) {
		l.meet = ""
	} else if l.meet != meet {
		l.meet = meet
		n.meeting.limiter.reset() // as a new code resets that of guesses
	}
	l.signal()
	var direct []*session
	for s := range l.sessions {
		if became && s.kind() != throughRouter {
			direct = append(direct, s)
		}
	}
	n.mu.Unlock()
	for _, s := range direct {
		n.useRouter(s)
	}
	if news {
		n.notify(id)
	}
}
