package peers

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	manet "github.com/multiformats/go-multiaddr/net"
)

// pulseProtocol carries heartbeats. The opener sends a greeting and gets one;
// then each byte it sends comes back. Both sides open one on every connection,
// so that each knows by itself whether the other answers.
const pulseProtocol = "/hither/pulse/1"

// greeting is the first frame each way.
type greeting struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Addrs   []string `json:"addrs"`
	// Boot is the sender's process: what it had with an earlier one is lost.
	Boot uint64 `json:"boot,string,omitempty"`
	// Stand is what the sender thinks of the receiver.
	Stand string `json:"stand"`
	// Router is true when the sender passes on between its paired computers, and
	// Ask then is the password with which the receiver may ask it how it is seen.
	Router bool   `json:"router,omitempty"`
	Ask    string `json:"ask,omitempty"`
	// Seen is the IP address from which a router sees the receiver's connection come.
	Seen string `json:"seen,omitempty"`
	// At orders what the sender says while it is online; Unix nanoseconds.
	At int64 `json:"at,omitempty"`
	// Nat is what the sender knows of its own way out: one of the nat constants.
	Nat string `json:"nat,omitempty"`
	// Meet is the number of the code that is open at the sender; see meetProtocol.
	Meet string `json:"meet,omitempty"`
}

const (
	standPaired   = "paired"
	standPending  = "pending" // a pairing is in its last step
	standUnpaired = "unpaired"
)

// session is one connection to a paired computer and the heartbeat on it.
type session struct {
	conn network.Conn
	link *link
	// pong is when the last answer came, in Unix nanoseconds of the wall clock:
	// the monotonic one stands still while a laptop sleeps.
	pong       atomic.Int64
	rtt        atomic.Int64  // nanoseconds; see measured
	interval   time.Duration // between heartbeats
	number     uint64        // rises with each session of the network
	probe      chan struct{} // of one; asks for a heartbeat at once
	spareSince time.Time     // of beat alone: since when nobody needs it
	noOwn      atomic.Int64  // until when no stream tries for a connection of its own; Unix nanoseconds
	// dead, owned and makes are guarded by Network.mu.
	dead  bool
	owned map[*carrier]bool // connections of streams beside this one
	makes int               // and how many of them are being made
}

// connected is told of every new connection.
func (n *Network) connected(conn network.Conn) {
	if n.paired(conn.RemotePeer()) {
		n.attach(conn)
		return
	}
	n.start(func() { n.endure(conn) })
}

// endure ends a connection whose key is still unpaired after a while.
func (n *Network) endure(conn network.Conn) {
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.tune.stranger)
	defer cancel()
	for !conn.IsClosed() && ctx.Err() == nil {
		n.sleep(ctx, time.Second)
	}
	if !n.paired(conn.RemotePeer()) {
		conn.Close()
	}
}

// attach begins the heartbeat on a connection of a paired computer, once.
func (n *Network) attach(conn network.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	link := n.links[conn.RemotePeer()]
	if link == nil || n.closed || n.sessions[conn] != nil || conn.IsClosed() {
		return
	}
	n.counted++
	s := &session{conn: conn, link: link, interval: n.cfg.tune.interval, number: n.counted, probe: make(chan struct{}, 1)}
	n.sessions[conn] = s
	n.wg.Go(func() { n.beat(s) })
}

// disconnected is told of every connection that has ended.
func (n *Network) disconnected(conn network.Conn) {
	n.mu.Lock()
	s := n.sessions[conn]
	n.mu.Unlock()
	if s != nil {
		n.lost(s, errors.New("connection closed"))
	}
}

// beat runs a session until it answers no more.
func (n *Network) beat(s *session) {
	if err := n.gate.lift(s.conn.RemotePeer()); err != nil {
		n.cfg.Log.Warn("limits", "err", err)
	}
	err := n.beatOnce(s)
	n.lost(s, err)
	if !errors.Is(err, errRefused) { // such a connection may be for pairing anew
		s.conn.Close()
	}
}

func (n *Network) beatOnce(s *session) error {
	stream, theirs, err := n.greet(s.conn)
	if err != nil {
		return err
	}
	defer stream.Reset()
	if err := n.arrived(s, theirs); err != nil {
		return err
	}
	n.lastingArrived(s, theirs.Boot)
	beat := []byte{0}
	s.hurry() // the first one measures
	for {
		patience := n.cfg.tune.patience
		if n.pause(s) {
			patience = min(patience, probeFor)
		}
		if err := n.ctx.Err(); err != nil {
			return err
		}
		beat[0]++
		sent := time.Now()
		stream.SetDeadline(sent.Add(patience))
		if _, err := stream.Write(beat); err != nil {
			return err
		}
		if _, err := io.ReadFull(stream, beat); err != nil {
			return err
		}
		s.measured(time.Since(sent))
		s.pong.Store(n.cfg.tune.now().UnixNano())
		n.moved(s.link)
		if n.spare(s) {
			return errSpare
		}
	}
}

// pause waits for the next heartbeat; true: it was asked for, as the path may have
// broken.
func (n *Network) pause(s *session) (asked bool) {
	timer := time.NewTimer(s.interval)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.probe:
		return true
	case <-n.ctx.Done():
	}
	return false
}

// hurry asks for a heartbeat at once.
func (s *session) hurry() {
	select {
	case s.probe <- struct{}{}:
	default:
	}
}

// errRefused says that the other computer does not know this one.
var errRefused = errors.New("the other computer is not paired with this one")

// greet opens a pulse and trades greetings. While the other side is in the
// last step of a pairing it asks again.
func (n *Network) greet(conn network.Conn) (network.Stream, greeting, error) {
	for range 50 {
		stream, err := openStream(n.ctx, conn, pulseProtocol, n.cfg.tune.patience)
		if err != nil {
			return nil, greeting{}, err
		}
		stream.SetDeadline(time.Now().Add(n.cfg.tune.patience))
		var theirs greeting
		err = writeFrame(stream, n.greeting(conn))
		if err == nil {
			err = readFrame(stream, &theirs)
		}
		switch {
		case err == nil && theirs.Stand == standPaired:
			return stream, theirs, nil
		case err == nil && theirs.Stand != standPending:
			err = errRefused
		}
		stream.Reset()
		if err != nil {
			return nil, greeting{}, err
		}
		n.sleep(n.ctx, 100*time.Millisecond)
	}
	return nil, greeting{}, errRefused
}

func (n *Network) greeting(conn network.Conn) greeting {
	to, said := conn.RemotePeer(), n.cfg.tune.now().UnixNano()
	stand := standUnpaired
	if n.paired(to) {
		stand = standPaired
	} else {
		n.mu.Lock()
		if n.joining[to] > 0 {
			stand = standPending
		}
		n.mu.Unlock()
	}
	g := greeting{Stand: stand}
	if stand == standPaired && n.router.Load() {
		g.Router, g.Ask = true, n.seen.password(to)
		if ip, err := manet.ToIP(conn.RemoteMultiaddr()); err == nil && !viaRelay(conn) {
			g.Seen = ip.String()
		}
	}
	if stand == standPaired { // what a stranger need not know
		g.Name, g.Version, g.Addrs = n.cfg.Name, n.cfg.Version, addrTexts(n.ownAddrs())
		g.Addrs = g.Addrs[:min(len(g.Addrs), maxAddrs)]
		g.Boot, g.Nat, g.At = n.lasting.Boot(), n.nat(), said
		g.Meet = n.offers.number()
	}
	return g
}

// answerPulse is the other end of greet and beatOnce. An idle opener is cut off.
func (n *Network) answerPulse(stream network.Stream) {
	defer stream.Reset()
	stream.SetDeadline(time.Now().Add(n.cfg.tune.patience))
	var theirs greeting
	if err := readFrame(stream, &theirs); err != nil || n.isDeaf() {
		return
	}
	ours := n.greeting(stream.Conn())
	if err := writeFrame(stream, ours); err != nil {
		return
	}
	if ours.Stand != standPaired {
		stream.CloseWrite()
		io.CopyN(io.Discard, stream, 1) // until the opener has read it
		return
	}
	if theirs.Stand == standPaired { // it may have refused this computer on the same connection before
		n.attach(stream.Conn())
	}
	beat := []byte{0}
	for {
		stream.SetDeadline(time.Now().Add(10 * n.cfg.tune.patience))
		if _, err := io.ReadFull(stream, beat); err != nil {
			return
		}
		if n.isDeaf() {
			continue
		}
		if _, err := stream.Write(beat); err != nil {
			return
		}
	}
}

func (n *Network) isDeaf() bool { return n.deaf != nil && n.deaf() }

// viaLoopback says whether a connection stays on this machine.
func viaLoopback(conn network.Conn) bool {
	return manet.IsIPLoopback(conn.RemoteMultiaddr()) && !viaRelay(conn)
}
