//go:build amd64 || arm64

package wlinput

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

const op = "screen.wayland"

func failed(cause error, detail, hint string) error {
	return &fusion.Error{Op: op, Cause: cause, Detail: detail, Hint: hint}
}

// patience bounds how long the compositor may let a request lie.
const patience = 5 * time.Second

// display is wl_display, which is always there.
const display object = 1

// conn is a connection to a compositor.
type conn struct {
	*net.UnixConn
	last object // of those that were named
	in   []byte // read and not parsed yet
	fds  []int  // that came and were not taken
}

func dial(ctx context.Context) (*conn, error) {
	path := cmp.Or(os.Getenv("WAYLAND_DISPLAY"), "wayland-0")
	if !filepath.IsAbs(path) {
		path = filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), path)
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, failed(fusion.ErrOffline, err.Error(), "start the node inside the graphical session")
	}
	return &conn{UnixConn: c.(*net.UnixConn), last: display}, nil
}

// name gives the number of a new object.
func (c *conn) name() object {
	c.last++
	return c.last
}

// send writes requests, the last with a file if fd is not negative.
func (c *conn) send(fd int, requests ...[]byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for i, b := range requests {
		var rights []byte
		if fd >= 0 && i == len(requests)-1 {
			rights = unix.UnixRights(fd)
		}
		if _, _, err := c.WriteMsgUnix(b, rights, nil); err != nil {
			return failed(fusion.ErrOffline, err.Error(), "")
		}
	}
	return nil
}

// roundTrip gives each event to take until the compositor has done all that was
// asked before.
func (c *conn) roundTrip(take func(event)) error {
	done := c.name()
	if err := c.send(-1, write(display, 0, done)); err != nil { // wl_display.sync
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for over := false; !over; {
		if err := c.read(); err != nil {
			return err
		}
		if err := c.events(func(e event) {
			over = over || e.from == done
			take(e)
		}); err != nil {
			return err
		}
	}
	return c.SetReadDeadline(time.Time{})
}

// read waits for bytes and files.
func (c *conn) read() error {
	b, rights := make([]byte, 64<<10), make([]byte, 512)
	n, m, _, _, err := c.ReadMsgUnix(b, rights)
	if err != nil || n == 0 {
		return failed(fusion.ErrOffline, fmt.Sprint("the compositor: ", cmp.Or(err, net.ErrClosed)), "")
	}
	c.in = append(c.in, b[:n]...)
	messages, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil {
		return err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return err
		}
		c.fds = append(c.fds, fds...)
	}
	return nil
}

// events gives what was read to take. What the compositor calls an error is one.
func (c *conn) events(take func(event)) error {
	for {
		e, rest, ok, err := cut(c.in)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		c.in = rest
		if e.from == display && e.code == 0 { // wl_display.error
			at, code := e.number(), e.number()
			return failed(fusion.ErrInvalid, fmt.Sprintf("the compositor: object %d, error %d: %s", at, code, e.text()), "")
		}
		take(e)
	}
}

// drain passes over what came meanwhile, without waiting: a compositor drops a
// client that does not read. Files that come with it are dropped by the kernel.
func (c *conn) drain() error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	b := make([]byte, 4096)
	for {
		var n int
		var failure error
		err := raw.Read(func(fd uintptr) bool {
			n, _, failure = unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
			return true
		})
		switch err = errors.Join(err, failure); {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return failed(fusion.ErrOffline, err.Error(), "")
		case n == 0:
			return failed(fusion.ErrOffline, "the compositor has left", "")
		}
		c.in = append(c.in, b[:n]...)
		if err := c.events(func(event) {}); err != nil {
			return err
		}
	}
}

// file takes the first file that came; ok is false if there is none.
func (c *conn) file() (fd int, ok bool) {
	if len(c.fds) == 0 {
		return -1, false
	}
	fd = c.fds[0]
	c.fds = c.fds[1:]
	return fd, true
}

// end closes the connection and what came over it.
func (c *conn) end() error {
	err := c.Close()
	for fd, ok := c.file(); ok; fd, ok = c.file() {
		err = errors.Join(err, unix.Close(fd))
	}
	return err
}
