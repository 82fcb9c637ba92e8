package wire

import (
	"io"
	"sync"
	"time"

	"hither/fusion"
)

// moved is the last message that one side sends over a pipe from which a view
// goes on over another.
const moved = 0x7f

// moveTime is how long a side that was told to move waits for the other pipe.
const moveTime = 15 * time.Second

// Mover is a pipe that can go on over another one, each direction by itself and
// without losing or doubling a message: a side that moves says so as its last
// word on the first pipe, and the other side reads the second from there on.
// The first pipe stays open until the end.
type Mover struct {
	first fusion.Pipe
	in    fusion.Pipe // the reader's own

	writing sync.Mutex // held while a message is written; guards out
	out     fusion.Pipe

	mu      sync.Mutex // guards the fields below
	next    fusion.Pipe
	offered chan struct{} // closed when next is set
	over    chan struct{} // closed by Close
	closed  bool
}

var _ Batcher = (*Mover)(nil)

// NewMover begins with the pipe first, which it owns.
func NewMover(first fusion.Pipe) *Mover {
	return &Mover{first: first, in: first, out: first, offered: make(chan struct{}), over: make(chan struct{})}
}

// Offer gives the pipe that the view goes on over when the other side moves. It
// is of use once; whether it was says ok. Mover owns it then.
func (m *Mover) Offer(next fusion.Pipe) (ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.next != nil {
		return false
	}
	m.next = next
	close(m.offered)
	return true
}

// Move goes on over the pipe that was offered, and makes the other side do so.
// It waits for a Write that is under way.
func (m *Mover) Move() error {
	m.mu.Lock()
	next := m.next
	m.mu.Unlock()
	m.writing.Lock()
	defer m.writing.Unlock()
	if m.out == next {
		return nil
	}
	if err := m.out.Write([]byte{moved}); err != nil {
		return err
	}
	m.out = next
	return nil
}

// Done is closed when the pipe is.
func (m *Mover) Done() <-chan struct{} { return m.over }

// Read gives the next message.
func (m *Mover) Read() ([]byte, error) {
	b, err := m.in.Read()
	if err != nil || m.in != m.first || len(b) != 1 || b[0] != moved {
		return b, err
	}
	if err := m.follow(); err != nil {
		return nil, err
	}
	return m.in.Read()
}

// follow moves after the other side did.
func (m *Mover) follow() error {
	timer := time.NewTimer(moveTime)
	defer timer.Stop()
	select {
	case <-m.offered:
	case <-m.over:
		return io.EOF
	case <-timer.C:
		return invalid("the view moved to where nobody waits")
	}
	m.mu.Lock()
	m.in = m.next
	m.mu.Unlock()
	return m.Move()
}

func (m *Mover) Write(message []byte) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	return write(m.out, message, false)
}

// WriteMore is a Write after which another follows at once.
func (m *Mover) WriteMore(message []byte) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	return write(m.out, message, true)
}

// Close ends both pipes.
func (m *Mover) Close() error {
	m.mu.Lock()
	next := m.next
	if !m.closed {
		m.closed = true
		close(m.over)
	}
	m.mu.Unlock()
	if next == nil {
		return m.first.Close()
	}
	err := next.Close() // it gives last words their time
	if first := m.first.Close(); err == nil {
		err = first
	}
	return err
}
