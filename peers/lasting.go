package peers

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"hither/fusion"
	"hither/peers/carry"
)

// lastingProtocol carries streams that outlive a connection, of any protocol that
// ListenLasting was called for.
const lastingProtocol = "/hither/lasting/1"

// LastingConn is a stream that goes on when its path changes or is away for a
// while. It is a net.Conn with CloseWrite, Reset, SetPatience and Peer.
type LastingConn struct{ *carry.Stream }

// Lasting marks it: it keeps what it carries, and so copies best by its own ReadFrom and
// WriteTo.
func (c *LastingConn) Lasting() bool { return true }

// Path gives the address of the other end of the connection that carries the
// stream now, "" while none does, and how often it moved to another one. changed
// is closed when that is no longer so.
func (c *LastingConn) Path() (addr string, moves int, changed <-chan struct{}) {
	now, moves, changed := c.Carrier()
	if now != nil {
		addr = now.(*carrier).addr.String()
	}
	return addr, moves, changed
}

// DialLasting opens a stream that outlives its connection, for what runs long: a
// tunnel, a file, a move. It answers as fast as Dial does and with the same
// errors, and ErrBusy when the other side has too many such streams.
//
// Once it is open, Read and Write wait while there is no path, and fail with
// ErrOffline after the stream's patience (2 minutes; SetPatience). A computer that
// was killed meanwhile has forgotten the stream: an error of carry.ErrReset.
func (n *Network) DialLasting(ctx context.Context, id fusion.HostID, protocolID string) (net.Conn, error) {
	if _, _, err := n.find("peers.dial", id); err != nil {
		return nil, err
	}
	stream, err := n.lasting.Open(id, protocolID)
	if err != nil {
		return nil, err
	}
	err = n.over(ctx, id, protocolID, func(s *session) error {
		ctx, cancel := context.WithTimeout(ctx, n.cfg.tune.patience)
		defer cancel()
		c, err := newCarrier(ctx, s)
		if err != nil {
			return err
		}
		return n.lastingRefused(s, protocolID, stream.Connect(ctx, c))
	})
	if err != nil {
		stream.Reset()
		return nil, err
	}
	return &LastingConn{stream}, nil
}

// lastingRefused says what a person can do about a stream that is refused.
func (n *Network) lastingRefused(s *session, protocolID string, err error) error {
	name := n.nameOf(s.conn.RemotePeer())
	switch {
	case errors.Is(err, fusion.ErrUnsupported):
		return &fusion.Error{Op: "peers.dial", Path: name, Cause: fusion.ErrUnsupported, Detail: protocolID,
			Hint: "update Hither on " + name}
	case errors.Is(err, fusion.ErrBusy):
		return &fusion.Error{Op: "peers.dial", Path: name, Cause: fusion.ErrBusy, Detail: "it has too many streams of this computer",
			Hint: "close some tunnels or transfers with " + name + " and try again"}
	case errors.Is(err, fusion.ErrUnpaired):
		return &fusion.Error{Op: "peers.dial", Path: name, Cause: fusion.ErrUnpaired,
			Detail: name + " does not know this computer any more", Hint: "pair with " + name + " again: hither pair"}
	}
	return err
}

// lastingListener makes LastingConns of what comes.
type lastingListener struct{ *carry.Listener }

// ListenLasting takes streams of a protocol that DialLasting opens, from paired
// computers; it gives *LastingConn. A protocol has one such listener: a later one
// takes over and the former is closed.
func (n *Network) ListenLasting(protocolID string) net.Listener {
	return lastingListener{n.lasting.Listen(protocolID)}
}

func (l lastingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &LastingConn{c.(*carry.Stream)}, nil
}

// openLasting makes the endpoint of lasting streams.
func (n *Network) openLasting() {
	n.lasting = carry.New(carry.Config{
		ID: n.ID(), Dial: n.dialCarrier, Log: n.cfg.Log,
		Allowed: func(id fusion.HostID) bool {
			p, err := peerID(id)
			return err == nil && n.paired(p)
		},
		Offline: func(id fusion.HostID) error {
			name := string(id)
			if p, err := peerID(id); err == nil {
				name = n.nameOf(p)
			}
			return lostError(name)
		},
	})
	n.host.SetStreamHandler(lastingProtocol, func(s network.Stream) {
		n.lasting.Serve(hostID(s.Conn().RemotePeer()), streamCarrier(s, s))
	})
}

// lastingArrived lets streams have a session that has just come.
func (n *Network) lastingArrived(s *session, boot uint64) {
	id := hostID(s.conn.RemotePeer())
	if boot != 0 {
		n.lasting.Met(id, boot)
	}
	n.lasting.Path(id)
}

// dialCarrier opens a carrier on the best session of a computer, unless now is on
// one that is as good.
func (n *Network) dialCarrier(ctx context.Context, id fusion.HostID, now carry.Carrier) (carry.Carrier, error) {
	p, err := peerID(id)
	if err != nil {
		return nil, err
	}
	sessions := n.candidates(p)
	if len(sessions) == 0 {
		return nil, nil
	}
	best := sessions[0]
	if now != nil {
		now := now.(*carrier)
		current := n.sessionOf(now.conn)
		if current != nil && !climbs(best, current, n.cfg.tune.now()) {
			if now.alone || !now.busy.Load() {
				return nil, nil
			}
			if c := n.dialOwn(ctx, current); c != nil {
				return c, nil
			}
			return nil, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.tune.patience)
	defer cancel()
	c, err := newCarrier(ctx, best)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// sessionOf gives the session of a connection, nil when it is lost.
func (n *Network) sessionOf(conn network.Conn) *session {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sessions[conn]
}

// carrier is what carries a lasting stream: a stream of libp2p, or a connection of its own
// (ownconn.go).
type carrier struct {
	conn       network.Conn // it is a stream of that connection, or beside it; nil for what came beside one
	addr       ma.Multiaddr // of the other end
	wire       io.ReadWriter
	closeWrite func() error
	reset      func() error
	alone      bool // a connection of its own
	busy       atomic.Bool
	heard      atomic.Bool // something came
	ended      sync.Once
	done       func() // may be nil; called once it has ended
}

// newCarrier opens one on a session. It does not wait for the other side: the
// protocol is asked for with the first bytes.
func newCarrier(ctx context.Context, s *session) (*carrier, error) {
	stream, err := s.conn.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.SetProtocol(lastingProtocol); err != nil {
		stream.Reset()
		return nil, err
	}
	return streamCarrier(stream, multistream.NewMSSelect(stream, protocol.ID(lastingProtocol))), nil
}

func streamCarrier(stream network.Stream, wire io.ReadWriter) *carrier {
	return &carrier{conn: stream.Conn(), addr: stream.Conn().RemoteMultiaddr(), wire: wire, closeWrite: stream.CloseWrite, reset: stream.Reset}
}

// Busy is told once it carries much: a connection of its own may be worth its cost.
func (c *carrier) Busy() { c.busy.Store(true) }

func (c *carrier) Read(b []byte) (int, error) {
	n, err := c.wire.Read(b)
	if n > 0 && c.alone && !c.heard.Load() {
		c.heard.Store(true)
	}
	return n, err
}

func (c *carrier) Write(b []byte) (int, error) { return c.wire.Write(b) }
func (c *carrier) CloseWrite() error           { return c.closeWrite() }

func (c *carrier) Reset() error {
	err := c.reset()
	c.ended.Do(func() {
		if c.done != nil {
			c.done()
		}
	})
	return err
}
