package peers

import (
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	pbv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
)

// What strangers get of a router: a circuit to a computer of its owner at which a code
// is open. It lasts as long as any stranger's connection (tuning.stranger), until it is
// paired with the router too: then it is a circuit like others.
const (
	maxMeetings  = 4       // of strangers at a time
	meetingBytes = 1 << 20 // each way: a pairing, and the owner's list
	maxHop       = 4096    // a message of the relay protocol, as in libp2p
)

// meetings are the circuits of strangers. Network.mu does not guard them.
type meetings struct {
	limiter limiter // of questions that found nobody

	mu       sync.Mutex
	circuits map[network.Stream]peer.ID // to the joiner
	through  map[peer.ID]int            // routers by which this computer is joining
}

func (m *meetings) init(now func() time.Time) {
	m.limiter.now, m.circuits, m.through = now, map[network.Stream]peer.ID{}, map[peer.ID]int{}
}

// enter counts a circuit; false: there are too many.
func (m *meetings) enter(s network.Stream, paired func(peer.ID) bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	strangers := 0
	for _, id := range m.circuits {
		if !paired(id) {
			strangers++
		}
	}
	if strangers >= maxMeetings {
		return false
	}
	m.circuits[s] = s.Conn().RemotePeer()
	return true
}

func (m *meetings) leave(s network.Stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.circuits, s)
}

// join lets connections through a router that is not paired, until done is called.
func (m *meetings) join(router peer.ID) (done func()) {
	add := func(i int) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.through[router] += i; m.through[router] == 0 {
			delete(m.through, router)
		}
	}
	add(1)
	return func() { add(-1) }
}

func (m *meetings) joins(router peer.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.through[router] > 0
}

// meets says whether an unpaired key may come, or be dialed, through a router: this
// computer is joining by it, or it is one of its own and a code is open here.
func (n *Network) meets(router peer.ID, dir network.Direction) bool {
	if dir == network.DirOutbound {
		return n.meeting.joins(router)
	}
	return n.paired(router) && n.offers.number() != ""
}

// answerHop is the relay (circuit relay v2, CONNECT) for unpaired keys. libp2p's own
// serves the paired ones.
func (n *Network) answerHop(s network.Stream) {
	s.SetDeadline(time.Now().Add(n.cfg.tune.patience))
	to, status := n.meetingWith(s)
	var far network.Stream
	if status == pbv2.Status_OK {
		if !n.meeting.enter(s, n.paired) {
			status = pbv2.Status_RESOURCE_LIMIT_EXCEEDED
		} else {
			defer n.meeting.leave(s)
			far, status = n.call(to, s.Conn().RemotePeer())
		}
	}
	// No limit is stated: libp2p would keep streams off the connection.
	err := util.NewDelimitedWriter(s).WriteMsg(&pbv2.HopMessage{Type: pbv2.HopMessage_STATUS.Enum(), Status: status.Enum()})
	switch {
	case far == nil && err == nil:
		s.CloseWrite()
		drain(s)
		fallthrough
	case far == nil:
		s.Reset()
		return
	case err != nil:
		s.Reset()
		far.Reset()
		return
	}
	n.cfg.Log.Info("a computer that wants to pair is passed on", "from", s.Conn().RemoteMultiaddr(), "to", n.nameOf(to))
	s.SetDeadline(time.Time{})
	far.SetDeadline(time.Time{})
	var both sync.WaitGroup
	both.Go(func() { n.pass(far, s, s.Conn().RemotePeer()) })
	both.Go(func() { n.pass(s, far, s.Conn().RemotePeer()) })
	both.Wait()
	s.Reset()
	far.Reset()
}

// meetingWith reads to whom a stranger wants to be connected: a computer of the owner
// at which a code is open.
func (n *Network) meetingWith(s network.Stream) (peer.ID, pbv2.Status) {
	var msg pbv2.HopMessage
	rd := util.NewDelimitedReader(s, maxHop)
	defer rd.Close()
	if err := rd.ReadMsg(&msg); err != nil {
		return "", pbv2.Status_MALFORMED_MESSAGE
	}
	if msg.GetType() != pbv2.HopMessage_CONNECT {
		return "", pbv2.Status_PERMISSION_DENIED
	}
	info, err := util.PeerToPeerInfoV2(msg.GetPeer())
	if err != nil {
		return "", pbv2.Status_MALFORMED_MESSAGE
	}
	if len(n.behind(func(l *link) bool { return l.id == info.ID && l.meet != "" })) == 0 {
		return "", pbv2.Status_PERMISSION_DENIED
	}
	return info.ID, pbv2.Status_OK
}

// call opens the other half of a circuit (STOP).
func (n *Network) call(to, from peer.ID) (network.Stream, pbv2.Status) {
	sessions := n.candidates(to)
	if len(sessions) == 0 {
		return nil, pbv2.Status_CONNECTION_FAILED
	}
	far, err := openStream(n.ctx, sessions[0].conn, string(proto.ProtoIDv2Stop), n.cfg.tune.patience)
	if err != nil {
		return nil, pbv2.Status_CONNECTION_FAILED
	}
	far.SetDeadline(time.Now().Add(n.cfg.tune.patience))
	var msg pbv2.StopMessage
	rd := util.NewDelimitedReader(far, maxHop)
	defer rd.Close()
	err = util.NewDelimitedWriter(far).WriteMsg(&pbv2.StopMessage{Type: pbv2.StopMessage_CONNECT.Enum(), Peer: util.PeerInfoToPeerV2(peer.AddrInfo{ID: from})})
	if err == nil {
		err = rd.ReadMsg(&msg)
	}
	if err != nil || msg.GetType() != pbv2.StopMessage_STATUS || msg.GetStatus() != pbv2.Status_OK {
		far.Reset()
		return nil, pbv2.Status_CONNECTION_FAILED
	}
	return far, pbv2.Status_OK
}

// pass copies one way, at most meetingBytes while the joiner is a stranger.
func (n *Network) pass(to, from network.Stream, joiner peer.ID) {
	buf, sum := make([]byte, circuitBuffer), 0
	for {
		size, err := from.Read(buf)
		if sum = min(sum+size, meetingBytes+1); sum > meetingBytes && !n.paired(joiner) {
			n.cfg.Log.Warn("a stranger's circuit is cut: too many bytes", "from", joiner)
			to.Reset()
			from.Reset()
			return
		}
		if _, werr := to.Write(buf[:size]); werr != nil {
			from.Reset()
			return
		}
		if err == io.EOF {
			to.CloseWrite()
			return
		}
		if err != nil {
			to.Reset()
			return
		}
	}
}
