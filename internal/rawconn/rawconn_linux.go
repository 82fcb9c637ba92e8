//go:build linux && !race

package rawconn

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// long is how much is worth waking the monitor for: who sends that is busy anyway, and
// the monitor is what takes turns among the busy.
const long = 16 << 10

// New gives a connection that is c, with short calls for reading and writing if c is a
// *net.TCPConn or a *net.UnixConn, a stream; otherwise c. It is a net.Conn and no more:
// for what a *net.TCPConn can do besides, c itself is to be asked.
func New(c net.Conn) net.Conn {
	switch c := c.(type) {
	case *net.TCPConn:
		return Embedded(c)
	case *net.UnixConn:
		return Embedded(c)
	}
	return c
}

// Embedded does the same for a connection of a type that embeds one of those and reads
// and writes as it does.
func Embedded(c Socket) net.Conn {
	raw, err := c.SyscallConn()
	if err != nil {
		return c // closed, as its next call says
	}
	s := &conn{Conn: c, raw: raw}
	s.r.call, s.w.call = s.r.read, s.w.write
	return s
}

// conn is the connection. A direction is used by one caller at a time, as in package net.
type conn struct {
	net.Conn
	raw  syscall.RawConn
	r, w direction
}

// direction is the call that is under way. Its function is made once, not with each call.
type direction struct {
	mu   sync.Mutex
	b    []byte
	n    int
	err  error
	call func(fd uintptr) (done bool)
}

func (d *direction) end() (int, error) {
	n, err := d.n, d.err
	d.b, d.n, d.err = nil, 0, nil
	return n, err
}

func (c *conn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.b = b
	waitErr := c.raw.Read(c.r.call)
	n, err := c.r.end()
	switch {
	case n > 0:
		return n, nil
	case waitErr != nil:
		return 0, waitErr
	case err != nil:
		return 0, c.failed("read", err)
	}
	return 0, io.EOF
}

func (d *direction) read(fd uintptr) bool {
	d.n, d.err = raw(syscall.SYS_READ, fd, d.b)
	return d.err != syscall.EAGAIN
}

func (c *conn) Write(b []byte) (int, error) {
	if len(b) == 0 || len(b) >= long {
		return c.Conn.Write(b)
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.w.b = b
	waitErr := c.raw.Write(c.w.call)
	n, err := c.w.end()
	if waitErr == nil && err != nil {
		waitErr = c.failed("write", err)
	}
	return n, waitErr
}

func (d *direction) write(fd uintptr) bool {
	for d.n < len(d.b) {
		n, err := raw(syscall.SYS_WRITE, fd, d.b[d.n:])
		d.n, d.err = d.n+n, err
		if err != nil {
			return err != syscall.EAGAIN
		}
	}
	return true
}

// raw is read(2) or write(2) on a socket that does not block.
func raw(trap, fd uintptr, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

func (c *conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, err)}
}
