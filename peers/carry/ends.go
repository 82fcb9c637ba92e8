package carry

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"time"
)

// CloseWrite ends this direction after what was written; reading goes on.
func (s *Stream) CloseWrite() error {
	s.mu.Lock()
	defer s.unlock()
	if s.closed {
		return net.ErrClosed
	}
	if s.err != nil {
		return s.err
	}
	s.finish()
	return nil
}

func (s *Stream) finish() {
	if !s.finished {
		s.finished = true
		s.writable.Broadcast()
		s.send()
	}
}

// Close sends everything written and then the end, also after it returned, while
// the stream's patience lasts. It does not block.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	s.readable.Broadcast()
	s.writable.Broadcast()
	s.dropIn()
	if !s.over {
		s.finish()
		s.lingers()
	}
	return nil
}

// dropIn forgets what came and nobody will read.
func (s *Stream) dropIn() {
	if n := s.in.size; n > 0 {
		s.in.discard(n)
		s.consumed(n)
	}
}

// lingers bounds how long a closed stream, whose end was taken, waits for the
// other side's.
func (s *Stream) lingers() {
	if s.closed && s.finTaken && !s.finSeen && !s.over && s.linger == nil {
		s.linger = time.AfterFunc(lingerTime, func() {
			s.mu.Lock()
			defer s.unlock()
			s.refuse()
		})
	}
}

// refuse tells the other side that nobody reads; what it reads itself goes on.
func (s *Stream) refuse() {
	if !s.finSeen && !s.refusing && !s.over {
		s.refusing = true
		s.send()
	}
}

// Reset ends both directions at once; unsent bytes are lost.
func (s *Stream) Reset() error {
	s.mu.Lock()
	defer s.unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	s.dropIn()
	s.abort(aborted)
	return nil
}

// abort ends the stream here and tells the other side, now or with the next
// carrier.
func (s *Stream) abort(c code) {
	if s.over || s.reset != 0 && c != stopping {
		return
	}
	s.reset = cmp.Or(s.reset, c)
	if s.err == nil {
		s.err = fmt.Errorf("%w: %v", ErrReset, c)
	}
	s.empty()
	switch {
	case s.path != nil:
		s.send()
	case s.opener && s.attach > 0 && c != stopping:
		if s.trying != nil {
			s.trying.leave()
			s.trying = nil
		}
		s.patient.starts(s)
		s.seek()
	default:
		s.finishOff()
	}
}

// fail ends the stream here without a word to the other side.
func (s *Stream) fail(err error) {
	if s.over {
		return
	}
	if s.err == nil {
		s.err = err
	}
	s.empty()
	s.finishOff()
}

// empty drops what will not be sent, and what will not be read. What came before
// the end of the other side, or before it went away, is whole and stays.
func (s *Stream) empty() {
	if n := s.out.size; n > 0 {
		s.freed(n+s.filling, n)
		s.out.discard(n)
	}
	if errors.Is(s.err, ErrReset) && !s.finSeen || s.closed {
		n := s.in.size
		s.in.discard(n)
		s.far.receiving.shrink(n+s.arriving, n)
	}
	s.readable.Broadcast()
	s.writable.Broadcast()
}

// finishOff is called when the stream needs no carrier any more.
func (s *Stream) finishOff() {
	if s.over {
		return
	}
	s.over = true
	s.settle()
	s.patient.stops()
	for _, t := range []*time.Timer{s.ackTimer, s.linger, s.retry} {
		if t != nil {
			t.Stop()
		}
	}
	for _, p := range []*path{s.path, s.trying} {
		if p != nil {
			p.leave()
		}
	}
	s.path, s.trying = nil, nil
	s.tell()
	s.far.remove(s)
}
