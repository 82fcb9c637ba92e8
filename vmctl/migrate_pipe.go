package vmctl

import (
	"errors"
	"io"
	"net"
	"sync"
)

// halfCloser is a connection whose writing end can be closed alone, as unix
// sockets and libp2p streams can.
type halfCloser interface{ CloseWrite() error }

// pipe joins two connections until both directions have ended, then closes both.
func pipe(a, b net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { flow(a, b) })
	both.Go(func() { flow(b, a) })
	both.Wait()
	closeAll(a, b)
}

// flow copies one direction. A break, unlike an end, closes both: the other
// direction would wait for ever.
func flow(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(halfCloser); ok && err == nil {
		err = half.CloseWrite()
	}
	if err != nil {
		closeAll(to, from)
	}
}

// closeAll closes what may be closed already.
func closeAll(conns ...net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// connections holds what is open, so that all of it can be cut at once.
type connections struct {
	mu   sync.Mutex // guards the fields below
	open map[io.Closer]bool
	cut  bool
}

var errCut = errors.New("the migration has ended")

// add takes a connection in; after the cut it is closed at once.
func (c *connections) add(conn io.Closer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return errors.Join(errCut, conn.Close())
	}
	if c.open == nil {
		c.open = map[io.Closer]bool{}
	}
	c.open[conn] = true
	return nil
}

func (c *connections) remove(conn io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

// end closes all that is open, and what comes later.
func (c *connections) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for conn := range c.open {
		_ = conn.Close() // cut is what it is to be
	}
}
