package carry

import (
	"errors"
	"io"
	"sync"
	"time"
)

var errCut = errors.New("the connection was cut")

// pipe is a connection in memory: both ends are Carriers. It may be cut, and what
// is under way is lost; or it ends once so many bytes have passed either way, and
// those still arrive.
type pipe struct {
	mu     sync.Mutex
	change sync.Cond
	way    [2]way // way[i] is written by end i
	cut    bool
	ended  bool
	delay  time.Duration // of each write, as of a path with that much latency
	room   int           // for what is under way, each way
}

type way struct {
	pieces []piece
	size   int
	closed bool // the writer's end follows
	left   int  // bytes until the cut; below 0: none comes
}

type piece struct {
	bytes []byte
	at    time.Time
}

type pipeEnd struct {
	*pipe
	me     int
	closed bool
}

func newPipe(left0, left1 int, delay time.Duration) (a, b *pipeEnd) {
	p := &pipe{delay: delay, room: 100 << 10}
	p.change.L = &p.mu
	p.way[0].left, p.way[1].left = left0, left1
	return &pipeEnd{pipe: p}, &pipeEnd{pipe: p, me: 1}
}

func (p *pipe) cutNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	p.change.Broadcast()
}

func (e *pipeEnd) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, n := &e.way[e.me], 0
	for len(b) > 0 {
		switch {
		case e.cut, e.ended:
			return n, errCut
		case e.closed, w.closed:
			return n, io.ErrClosedPipe
		case w.size == e.room:
			e.change.Wait()
			continue
		}
		m := min(len(b), e.room-w.size)
		if w.left >= 0 {
			m = min(m, w.left)
			if w.left -= m; w.left == 0 {
				e.ended = true
			}
		}
		w.pieces = append(w.pieces, piece{append([]byte(nil), b[:m]...), time.Now().Add(e.delay)})
		w.size += m
		n, b = n+m, b[m:]
		e.change.Broadcast()
	}
	return n, nil
}

func (e *pipeEnd) Read(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := &e.way[1-e.me]
	for {
		switch {
		case e.cut:
			return 0, errCut
		case e.closed:
			return 0, io.ErrClosedPipe
		case len(w.pieces) > 0:
			first := &w.pieces[0]
			if wait := time.Until(first.at); wait > 0 {
				e.mu.Unlock()
				time.Sleep(wait)
				e.mu.Lock()
				continue
			}
			n := copy(b, first.bytes)
			if first.bytes = first.bytes[n:]; len(first.bytes) == 0 {
				w.pieces = w.pieces[1:]
			}
			w.size -= n
			e.change.Broadcast()
			return n, nil
		case e.ended:
			return 0, errCut
		case w.closed:
			return 0, io.EOF
		}
		e.change.Wait()
	}
}

func (e *pipeEnd) CloseWrite() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.way[e.me].closed = true
	e.change.Broadcast()
	return nil
}

func (e *pipeEnd) Reset() error {
	e.mu.Lock()
	quiet := e.closed || e.ended || e.way[0].closed && e.way[1].closed
	e.closed = true
	e.change.Broadcast()
	e.mu.Unlock()
	if !quiet {
		e.cutNow()
	}
	return nil
}
