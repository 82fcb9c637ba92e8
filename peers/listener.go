package peers

import (
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// ListenOption changes whose streams a listener takes.
type ListenOption func(*listener)

// AllowUnpaired lets streams of unpaired keys in. The server must ask Grants
// for each and refuse; it is how a forgotten computer hears a clear error.
func AllowUnpaired(l *listener) { l.unpaired = true }

// listener hands the streams of one protocol to Accept. It holds no queue: a
// stream waits in its own goroutine, and their number is bounded per key.
type listener struct {
	network  *Network
	protocol string
	unpaired bool
	streams  chan *conn
	done     chan struct{}
	once     sync.Once
}

// Listen takes streams of a protocol from paired computers; others are reset.
// Each net.Conn it gives implements interface{ Peer() fusion.HostID }. A
// protocol has one listener: a later one takes over and the former is closed.
func (n *Network) Listen(protocolID string, opts ...ListenOption) net.Listener {
	l := &listener{network: n, protocol: protocolID, streams: make(chan *conn), done: make(chan struct{})}
	for _, opt := range opts {
		opt(l)
	}
	n.mu.Lock()
	old := n.listeners[protocolID]
	n.listeners[protocolID] = l
	if l.unpaired {
		n.forAll(protocol.ID(protocolID), n.tracked(l.handle))
	} else {
		n.host.SetStreamHandler(protocol.ID(protocolID), n.tracked(l.handle))
	}
	n.mu.Unlock()
	if old != nil {
		old.Close()
	}
	return l
}

func (l *listener) handle(s network.Stream) {
	if !l.unpaired && !l.network.paired(s.Conn().RemotePeer()) {
		s.Reset()
		return
	}
	select {
	case l.streams <- &conn{stream: s, network: l.network}:
	case <-l.done:
		s.Reset()
	case <-l.network.ctx.Done():
		s.Reset()
	}
}

// Accept waits for the next stream.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.streams:
		return c, nil
	case <-l.done:
	case <-l.network.ctx.Done():
	}
	return nil, net.ErrClosed
}

// Close ends Accept. Streams that were accepted go on.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		n := l.network
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.listeners[l.protocol] == l {
			delete(n.listeners, l.protocol)
			n.host.RemoveStreamHandler(protocol.ID(l.protocol))
			n.strangers.RemoveHandler(protocol.ID(l.protocol))
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return streamAddr{l.network.ID()} }
