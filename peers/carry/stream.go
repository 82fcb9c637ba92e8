package carry

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// ErrReset is the error of a stream that ended without its end: the other side
// reset it, forgot it because it was killed, or broke the rules.
var ErrReset = errors.New("stream reset")

// Stream is one stream as a net.Conn, with what TCP does at the end: Close sends
// everything written and then the end, also over a carrier that comes later; a
// writer that goes on after the other side's Close is reset.
//
// Write returns when the bytes are kept for sending, not when they are there.
// Read and Write wait while there is no carrier, at most for the stream's
// patience, and then fail with what Config.Offline says.
type Stream struct {
	end      *Endpoint
	far      *remote
	id       ID
	protocol string
	opener   bool

	reading, writing sync.Mutex // one Read and one Write at a time

	// mu guards the fields below and those of its paths.
	mu                 sync.Mutex
	readable, writable sync.Cond
	readBy, writeBy    deadline

	// Sending: out holds what was written and is not consumed over there.
	out      queue
	filling  int    // bytes that a Write is about to add
	limit    uint64 // offset up to which the other side takes bytes
	sent     uint64 // offset up to which some carrier was given bytes
	finished bool   // the end follows what was written
	finSent  bool   // it was given to some carrier
	finTaken bool   // and the other side has consumed it
	stopped  bool   // nobody reads over there any more
	stuck    bool   // a Write waits for limit

	// Receiving: in holds what came and is not read.
	in       queue
	arriving int // bytes that are being read from the carrier
	window   uint32
	granted  uint64 // offset up to which the other side may send
	finSeen  bool   // its end has come; in holds the rest
	acked    uint64 // the consumed offset that the last carrier was given
	ackNow   bool   // and that it is to be told at once
	ackTimer *time.Timer
	ackSoon  bool      // the timer runs
	blocked  bool      // the other side would send more than the window allows
	sink     Sink      // of a WriteTo that waits
	sinking  bool      // the reader of a carrier writes to it
	sunk     int64     // bytes that were written so
	hungryAt time.Time // since when the program waits because of that
	fedAt    time.Time // when it last ceased to
	dropped  int       // bytes that came after Close
	refusing bool      // too many of them: the other side is to stop

	closed  bool  // by Close or Reset: the program is done with it
	err     error // why it ended before its end
	over    bool  // it needs no carrier any more
	patient patience
	linger  *time.Timer

	reset     code // not 0: to be told to the other side, after which it is over
	taking    bool // waits for Accept
	opened    bool // the other side has answered once
	path      *path
	trying    *path // has asked and has no answer yet
	attach    uint32
	boot      uint64 // the process at the other side
	seeking   bool   // a goroutine looks for a carrier
	seekAgain bool
	misses    int
	retry     *time.Timer
	moves     int
	changed   chan struct{}
	woken     []*Stream // to be woken once mu is free
}

// Limits of a stream.
const (
	firstWindow = 256 << 10
	maxWindow   = 8 << 20
	ackDelay    = 25 * time.Millisecond // for what the program has read and nothing else carries
	lingerTime  = 30 * time.Second      // for the other side's end after Close
	lingerBytes = 256 << 10             // that still may come after Close
)

func newStream(e *Endpoint, far *remote, id ID, protocol string, opener bool) *Stream {
	s := &Stream{end: e, far: far, id: id, protocol: protocol, opener: opener,
		limit: firstWindow, window: firstWindow, granted: firstWindow}
	s.readable.L, s.writable.L = &s.mu, &s.mu
	s.patient.lasts = e.cfg.Patience
	return s
}

// unlock frees mu and wakes streams for which there is room now.
func (s *Stream) unlock() {
	woken := s.woken
	s.woken = nil
	s.mu.Unlock()
	for _, w := range woken {
		w.mu.Lock()
		w.writable.Broadcast()
		w.mu.Unlock()
	}
}

// Read waits for bytes. What came before a computer went away is still given.
func (s *Stream) Read(b []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	defer s.unlock()
	for {
		switch {
		case s.closed:
			return 0, net.ErrClosed
		case s.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case s.in.size > 0:
			n := s.in.read(b)
			s.consumed(n)
			return n, nil
		case s.finSeen:
			return 0, io.EOF
		case s.err != nil:
			return 0, s.err
		}
		s.readable.Wait()
	}
}

// consumed is called when n bytes were taken out of in.
func (s *Stream) consumed(n int) {
	s.far.receiving.shrink(s.in.size+s.arriving+n, n)
	s.hunger()
	if s.in.size == 0 && s.finSeen || s.consumedTo()-s.acked >= uint64(s.window)/4 {
		s.ackNow = true
		s.send()
		return
	}
	if s.ackSoon || s.path == nil {
		return
	}
	s.ackSoon = true
	if s.ackTimer == nil {
		s.ackTimer = time.AfterFunc(ackDelay, s.ackLate)
		return
	}
	s.ackTimer.Reset(ackDelay)
}

// hunger notes that the program has read all while the other side waits for room.
func (s *Stream) hunger() {
	if s.blocked && s.in.size == 0 && s.hungryAt.IsZero() && s.window < maxWindow {
		s.hungryAt = time.Now()
	}
}

// feed is called when bytes come. Where hunger took more than a quarter of the
// time, the path is longer than the window, which doubles then. Where it is the
// program or the path that is slow, a larger one would only be a longer queue.
func (s *Stream) feed() {
	s.blocked = false
	if s.hungryAt.IsZero() {
		return
	}
	now := time.Now()
	if hungry := now.Sub(s.hungryAt); 3*hungry > s.hungryAt.Sub(s.fedAt) {
		s.window = min(2*s.window, maxWindow)
		s.ackNow = true
		s.send()
	}
	s.hungryAt, s.fedAt = time.Time{}, now
}

func (s *Stream) ackLate() {
	s.mu.Lock()
	defer s.unlock()
	s.ackSoon = false
	if s.consumedTo() != s.acked {
		s.ackNow = true
		s.send()
	}
}

// consumedTo is the offset before which the program has read all; the end counts
// as one byte.
func (s *Stream) consumedTo() uint64 {
	if s.finSeen && s.in.size == 0 {
		return s.in.start + 1
	}
	return s.in.start
}

// Write keeps b for sending. It waits while the other side takes no more.
func (s *Stream) Write(b []byte) (int, error) { return s.write(b, s.send) }

// write is Write with what sends.
func (s *Stream) write(b []byte, send func()) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.unlock()
	written := 0
	for {
		if err := s.writeError(); err != nil || len(b) == 0 {
			return written, err
		}
		n := s.room(min(len(b), maxPayload))
		if n == 0 {
			s.writable.Wait()
			s.stuck = false
			continue
		}
		if n < linkFrom {
			s.out.append(b[:n])
		} else if err := s.appendBig(b[:n]); err != nil {
			return written, err
		}
		send()
		written, b = written+n, b[n:]
	}
}

// appendBig copies without the lock. The stream may have ended meanwhile.
func (s *Stream) appendBig(b []byte) error {
	s.filling = len(b)
	s.unlock()
	c := newChunk(bigChunk)
	c.r, c.w = frameHead, frameHead+copy(c.buf[frameHead:], b)
	s.mu.Lock()
	s.filling = 0
	if err := s.writeError(); err != nil {
		c.free()
		s.freed(s.out.size+len(b), len(b))
		return err
	}
	s.linkFrame(c)
	return nil
}

// linkFrame puts a chunk that has room for the head of its frame at the end of
// what is to be sent.
func (s *Stream) linkFrame(c *chunk) {
	appendAt(c.buf[:0], frameData, s.out.end(), c.w-c.r)
	c.framed = true
	s.out.link(c)
}

// freed gives back n of the has bytes that the stream holds for sending.
func (s *Stream) freed(has, n int) {
	s.woken = append(s.woken, s.far.sending.shrink(has, n)...)
}

func (s *Stream) writeError() error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.stopped:
		return refusal(unread)
	case s.finished:
		return net.ErrClosed
	case s.writeBy.passed():
		return os.ErrDeadlineExceeded
	}
	return s.err
}

// room takes and gives room for at most n more bytes. When there is none the
// stream is woken once there is.
func (s *Stream) room(n int) int {
	if most := min(s.limit-s.out.end(), uint64(maxWindow-s.out.size)); uint64(n) > most {
		// Many small pieces are slow; there is more room soon (RFC 9293, 3.8.6.2.1).
		if most == 0 || most < linkFrom && s.out.size > 0 {
			s.stuck = true
			s.send()
			return 0
		}
		n = int(most)
	}
	return s.far.sending.grow(s, s.out.size, n)
}
