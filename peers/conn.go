package peers

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"hither/fusion"
)

// conn is one stream as a net.Conn, with what TCP does at the end: Close sends
// everything written and then the end; a writer that goes on after Close is
// reset, which tells it that nobody reads.
type conn struct {
	stream  network.Stream
	network *Network
	closing sync.Once
	closed  atomic.Bool
	// reading is held by whoever reads, so that the reader of linger begins
	// only after the owner's Read has seen the end.
	reading sync.Mutex
}

// lingerTime bounds how long a closed stream waits for the other end's close.
const lingerTime = 30 * time.Second

// lingerBytes is how much a closed stream still takes in. A reset could destroy
// what was sent before the close and is not read yet, so what was under way at
// that moment is let in, and only a writer that goes on is reset.
const lingerBytes = 256 << 10

// Peer says whose stream it is: the key that the connection proved.
func (c *conn) Peer() fusion.HostID { return hostID(c.stream.Conn().RemotePeer()) }

func (c *conn) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := c.stream.Read(b)
	return n, c.error(err)
}

func (c *conn) Write(b []byte) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := c.stream.Write(b)
	return n, c.error(err)
}

// CloseWrite ends this direction; reading goes on.
func (c *conn) CloseWrite() error { return c.error(c.stream.CloseWrite()) }

// Reset ends both directions at once; unsent bytes are lost.
func (c *conn) Reset() error {
	var err error
	c.closing.Do(func() {
		c.closed.Store(true)
		err = c.stream.Reset()
	})
	return err
}

// Close ends the stream as TCP would. It does not block.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.closing.Do(func() {
		c.closed.Store(true)
		if err = c.stream.CloseWrite(); err != nil {
			c.stream.Reset()
			return
		}
		// A Read of the owner that is still waiting ends now; linger goes on
		// with a deadline of its own afterwards.
		c.stream.SetReadDeadline(time.Unix(1, 0))
		if !c.network.start(c.linger) {
			c.stream.Close()
		}
	})
	return err
}

func (c *conn) linger() {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.stream.SetReadDeadline(time.Now().Add(lingerTime))
	if _, err := io.CopyN(io.Discard, c.stream, lingerBytes); err != io.EOF {
		c.stream.Reset()
		return
	}
	c.stream.Close()
}

func (c *conn) LocalAddr() net.Addr {
	return streamAddr{hostID(c.stream.Conn().LocalPeer())}
}

func (c *conn) RemoteAddr() net.Addr { return streamAddr{c.Peer()} }

func (c *conn) SetDeadline(t time.Time) error      { return c.stream.SetDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.stream.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.stream.SetWriteDeadline(t) }

// streamAddr is a host's ID as a net.Addr.
type streamAddr struct{ id fusion.HostID }

func (a streamAddr) Network() string { return "libp2p" }
func (a streamAddr) String() string  { return string(a.id) }

// error gives timeouts and what was closed here the values that net promises, and
// ErrOffline when the whole connection is gone.
func (c *conn) error(err error) error {
	var timeout net.Error
	switch {
	case err == nil || err == io.EOF:
		return err
	case c.closed.Load():
		return net.ErrClosed
	case errors.As(err, &timeout) && timeout.Timeout():
		return os.ErrDeadlineExceeded
	case c.stream.Conn().IsClosed():
		return lostError(c.network.nameOf(c.stream.Conn().RemotePeer()))
	}
	// Never anything that wraps io.EOF, which would look like a good end.
	return fmt.Errorf("%w: %v", network.ErrReset, err)
}

// lostError says that the path to a computer is gone.
func lostError(name string) error {
	return &fusion.Error{Op: "peers", Path: name, Cause: fusion.ErrOffline, Detail: "the connection to " + name + " was lost",
		Hint: "wait until " + name + " is online again"}
}
