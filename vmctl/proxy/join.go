package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Join copies both ways between two connections until both have said all, and closes them.
// One that ends its half is heard as that by the other; one that breaks, or is reset, resets
// the other; and when ctx ends both are reset. What passes from near to far is "out" for the
// gauge, which may be nil.
func Join(ctx context.Context, near, far net.Conn, g *Gauge) {
	stop := context.AfterFunc(ctx, func() {
		Abort(near)
		Abort(far)
	})
	defer stop()
	var half sync.WaitGroup
	half.Go(func() { pour(ctx, far, near, g.outward()) })
	pour(ctx, near, far, g.inward())
	half.Wait()
	_ = near.Close() // both have been told all
	_ = far.Close()  // likewise
}

// Sizes of what is copied at once. A connection that rests holds the small one, so that a
// thousand of them cost little; one that carries much takes a large one of those that there
// are, and gives it back when nothing came for restTime.
const (
	smallCopy = 2 << 10
	largeCopy = 64<<10 - 12 // a frame of yamux without its header; more is slower, as it leaves the cache
	restTime  = time.Second
)

var largeCopies = sync.Pool{New: func() any { b := make([]byte, largeCopy); return &b }}

// pour copies until the source has said all, and says so to the other side.
func pour(ctx context.Context, to, from net.Conn, way *way) {
	err := copyAll(ctx, to, from, way)
	if err == nil {
		err = closeWrite(to)
	}
	if err != nil { // one side broke: so does the other
		Abort(to)
		Abort(from)
	}
}

// A stream between computers that outlives its path keeps what it carries in buffers of its
// own, so that it copies best by itself.
type (
	ownReader interface {
		Lasting() bool
		io.ReaderFrom
	}
	ownWriter interface {
		Lasting() bool
		io.WriterTo
	}
)

// copyAll copies until the end of the source, which is no error.
func copyAll(ctx context.Context, to, from net.Conn, way *way) error {
	if own, ok := to.(ownReader); ok && own.Lasting() {
		_, err := own.ReadFrom(meter(ctx, from, way))
		return err
	}
	if own, ok := from.(ownWriter); ok && own.Lasting() {
		_, err := own.WriteTo(meter(ctx, to, way))
		return err
	}
	small := make([]byte, min(smallCopy, way.most()))
	buf := small
	var large *[]byte
	var until time.Time // the read deadline while large is held
	defer func() {
		if large != nil {
			largeCopies.Put(large)
		}
	}()
	for {
		if large != nil {
			if now := time.Now(); until.Sub(now) < restTime {
				until = now.Add(2 * restTime)
				if err := from.SetReadDeadline(until); err != nil {
					return err
				}
			}
		}
		n, err := from.Read(buf)
		if n > 0 {
			if err := way.moved(ctx, n); err != nil {
				return err
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case large != nil && errors.Is(err, os.ErrDeadlineExceeded): // it rests
			largeCopies.Put(large)
			large, buf, until = nil, small, time.Time{}
			if err := from.SetReadDeadline(time.Time{}); err != nil {
				return err
			}
		case err != nil:
			return err
		case large == nil && n == len(buf):
			large = largeCopies.Get().(*[]byte)
			buf = (*large)[:min(largeCopy, way.most())]
		}
	}
}

// closeWrite ends what is sent; a connection that cannot do that alone is closed when the
// other half ends.
func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Abort ends a connection so that its other side sees a reset, and not a good end.
func Abort(c net.Conn) {
	switch c := c.(type) {
	case interface{ Reset() error }:
		_ = c.Reset() // it ends either way
		return
	case interface{ SetLinger(sec int) error }: // TCP
		_ = c.SetLinger(0) // likewise
	}
	_ = c.Close() // likewise
}
