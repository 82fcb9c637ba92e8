// Package x11 speaks as much of the X Window System protocol (version 11,
// release 7.7) as it takes to give an app a display of its own: it lists and
// asks windows, closes and maximises them, and resizes the display (RANDR 1.3).
//
// Dial opens a display. The client keeps nothing in global state, so that many
// displays may be open at once, and it does not decode events: any event means
// "look again" (Changed), so no queue of them can grow. It trusts the server no
// further than to bound and check each reply.
package x11

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"hither/internal/xdial"
)

// Window and Atom are the protocol's.
type (
	Window uint32
	Atom   uint32
)

const (
	maxReply    = 16 << 20
	callTimeout = 20 * time.Second
)

var order = binary.LittleEndian

// Conn is a connection to a display. Its methods may be called from many
// goroutines; calls are made one after the other. One goroutine reads the
// socket; Close ends it and waits for it.
type Conn struct {
	Root Window

	conn    net.Conn
	changed chan struct{}
	done    chan struct{}
	replies chan []byte

	call  sync.Mutex // one request with a reply at a time
	mu    sync.Mutex // guards the fields below and the order of writes
	seq   uint16
	want  uint16 // the sequence number whose reply is waited for, if waits
	wait  bool
	watch *watch // nil before Watch

	atoms map[string]Atom // guarded by call
	named map[Atom]string // what names gives; guarded by call
	randr byte            // major opcode, guarded by call; 0 is not asked yet

	base  uint32 // the first resource ID
	mask  uint32 // which bits of an ID its maker chose
	probe Window // HasManager's own; 0 before its first call
}

// Dial opens the display ":N" or ":N.S" of this computer (a display of another
// computer is refused), with the cookie of the authority file ("" is the
// session's).
func Dial(ctx context.Context, display, xauthority string) (*Conn, error) {
	number, err := xdial.Number(display)
	if err != nil {
		return nil, err
	}
	conn, err := xdial.Dial(ctx, number)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	c, err := open(conn, xdial.Cookie(xauthority, number))
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go c.read()
	return c, nil
}

// open sets a connection up.
func open(conn net.Conn, cookie []byte) (*Conn, error) {
	body, err := xdial.Setup(conn, cookie)
	if err != nil {
		return nil, err
	}
	root, err := firstRoot(body)
	if err != nil {
		return nil, err
	}
	return &Conn{Root: root, base: order.Uint32(body[4:]), mask: order.Uint32(body[8:]), conn: conn, atoms: map[string]Atom{},
		changed: make(chan struct{}, 1), done: make(chan struct{}), replies: make(chan []byte, 1)}, nil
}

// firstRoot gives the root window of the first screen.
func firstRoot(body []byte) (Window, error) {
	vendor, formats := int(order.Uint16(body[16:])), int(body[21])
	at := 32 + (vendor+3)/4*4 + 8*formats
	if body[20] == 0 || len(body) < at+40 {
		return 0, io.ErrUnexpectedEOF
	}
	return Window(order.Uint32(body[at:])), nil
}

// Changed gets a value after events came: look again.
func (c *Conn) Changed() <-chan struct{} { return c.changed }

// Done is closed when the display is gone.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close ends the connection.
func (c *Conn) Close() error {
	err := c.conn.Close()
	<-c.done
	return err
}

// read takes replies to their caller and turns events into Changed.
func (c *Conn) read() {
	defer close(c.done)
	for {
		message, err := readMessage(c.conn)
		if err != nil {
			_ = c.conn.Close() // the server is gone; a second close is harmless
			return
		}
		if message[0] > 1 {
			c.mu.Lock()
			if c.watch != nil {
				c.watch.note(c.Root, message)
			}
			c.mu.Unlock()
			select {
			case c.changed <- struct{}{}:
			default:
			}
			continue
		}
		c.mu.Lock()
		wanted := c.wait && order.Uint16(message[2:]) == c.want
		if wanted {
			c.wait = false
		}
		c.mu.Unlock()
		if wanted {
			c.replies <- message // room for one, and only one is waited for
		}
	}
}

// readMessage reads one error, reply or event.
func readMessage(r io.Reader) ([]byte, error) {
	message := make([]byte, 32)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, err
	}
	const reply, generic = 1, 35
	if kind := message[0] & 0x7f; kind != reply && kind != generic {
		return message, nil
	}
	more := uint64(order.Uint32(message[4:])) * 4
	if more > maxReply {
		return nil, errors.New("reply too long")
	}
	message = append(message, make([]byte, more)...)
	_, err := io.ReadFull(r, message[32:])
	return message, err
}

// send writes a request; opcode, data and body are the protocol's.
func (c *Conn) send(opcode, data byte, body []byte, wait bool) error {
	b := pad(append([]byte{opcode, data, 0, 0}, body...))
	order.PutUint16(b[2:], uint16(len(b)/4))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	if wait {
		c.want, c.wait = c.seq, true
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// ask sends a request and waits for its reply of at least size bytes. The
// caller holds c.call.
func (c *Conn) ask(opcode, data byte, body []byte, size int) ([]byte, error) {
	if err := c.send(opcode, data, body, true); err != nil {
		return nil, err
	}
	timer := time.NewTimer(callTimeout)
	defer timer.Stop()
	select {
	case reply := <-c.replies:
		if reply[0] == 0 {
			return nil, fmt.Errorf("x11: request %d/%d: error %d", opcode, data, reply[1])
		}
		if len(reply) < size {
			return nil, io.ErrUnexpectedEOF
		}
		return reply, nil
	case <-c.done:
		return nil, net.ErrClosed
	case <-timer.C:
		// A server that answers late would answer the next question.
		_ = c.conn.Close()
		return nil, errors.New("x11: the display does not answer")
	}
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// words joins numbers of 32 bits.
func words[T ~uint32](values ...T) []byte {
	var b []byte
	for _, v := range values {
		b = order.AppendUint32(b, uint32(v))
	}
	return b
}
