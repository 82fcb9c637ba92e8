package carry

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
)

// read greets and reads frames until the carrier ends or is another's.
func (p *path) read() error {
	if p.stream.opener {
		if err := p.greet(); err != nil {
			return err
		}
	}
	for {
		if err := p.frame(); err != nil {
			return err
		}
	}
}

func (p *path) frame() error {
	if _, err := io.ReadFull(p.carrier, p.head[:]); err != nil {
		return err
	}
	kind, size := parseHead(p.head)
	if kind == frameData {
		return p.data(size)
	}
	want, known := sizes[kind]
	if !known { // of a later release
		_, err := io.CopyN(io.Discard, p.carrier, int64(size))
		return err
	}
	if size != want {
		return errBroken
	}
	body := p.body[:size]
	if _, err := io.ReadFull(p.carrier, body); err != nil {
		return err
	}
	switch kind {
	case frameConsumed:
		return p.consumed(parseConsumed(p.body))
	case frameReset:
		return p.wasReset(code(body[0]))
	case frameFin:
		return p.said(kind, binary.BigEndian.Uint64(body))
	}
	return p.said(kind, 0)
}

// data reads a frame of data. Bytes that came before, by an earlier carrier, are
// dropped.
func (p *path) data(size int) error {
	at := p.body[:offsetSize]
	if size -= offsetSize; size <= 0 {
		return errBroken
	}
	if _, err := io.ReadFull(p.carrier, at); err != nil {
		return err
	}
	fresh, err := p.arrive(binary.BigEndian.Uint64(at), size)
	if err != nil {
		return err
	}
	c := newChunk(size)
	// What came of a frame that is cut is kept, so that a path that keeps
	// breaking gets on.
	n, err := io.ReadFull(p.carrier, c.buf[:size])
	c.r, c.w = min(size-fresh, n), n
	fresh = c.w - c.r
	s := p.stream
	s.mu.Lock()
	defer s.unlock()
	if p.gone || s.err != nil {
		c.free()
		return cmp.Or(err, p.err())
	}
	if s.closed {
		c.free()
		s.settle()
		s.in.start += uint64(fresh)
		if s.dropped += fresh; s.dropped > lingerBytes {
			s.refuse()
		} else {
			s.consumed(0)
		}
		return err
	}
	s.far.receiving.shrink(s.in.size+s.arriving, s.arriving-fresh) // if the frame is cut
	s.arriving = 0
	if fresh == 0 {
		c.free()
		return err
	}
	s.in.link(c)
	s.feed()
	p.carried(fresh)
	p.useful = true
	s.sinks()
	return err
}

// arrive checks that size bytes may come, takes room for them, and says how many
// are new.
func (p *path) arrive(at uint64, size int) (fresh int, err error) {
	s := p.stream
	s.mu.Lock()
	defer s.unlock()
	if p.gone {
		return 0, errGone
	}
	have, end := s.in.end(), at+uint64(size)
	if at > have || end > s.granted || end > have && s.finSeen {
		return 0, errBroken
	}
	if end > have {
		fresh = int(end - have)
	}
	if s.closed || s.err != nil {
		return fresh, nil
	}
	if got := s.far.receiving.grow(nil, s.in.size, fresh); got < fresh {
		s.far.receiving.shrink(s.in.size+got, got)
		return 0, errBroken
	}
	s.arriving = fresh
	return fresh, nil
}

// err is nil while the carrier is the stream's.
func (p *path) err() error {
	if p.gone {
		return errGone
	}
	return nil
}

func (p *path) consumed(to uint64, window uint32) error {
	s := p.stream
	s.mu.Lock()
	defer s.unlock()
	if p.gone || s.err != nil {
		return p.err()
	}
	known, top := s.out.start, s.sent
	if s.finTaken {
		known++
	}
	if s.finSent {
		top++
	}
	limit := to + uint64(min(window, maxWindow))
	if to < known || to > top || limit < s.limit {
		return errBroken
	}
	p.useful = p.useful || to > known
	end := s.out.end()
	if n := int(min(to, end) - s.out.start); n > 0 {
		s.freed(s.out.size+s.filling, n)
		s.out.discard(n)
		p.at = max(p.at, s.out.start) // it came by an earlier carrier
	}
	s.limit = limit
	if to == end+1 {
		s.finTaken = true
		s.lingers()
		s.send()
	}
	s.writable.Broadcast()
	return nil
}

// said is called for frames that only say something.
func (p *path) said(kind byte, at uint64) error {
	s := p.stream
	s.mu.Lock()
	defer s.unlock()
	if p.gone || s.err != nil {
		return p.err()
	}
	switch kind {
	case frameFin:
		return p.fin(at)
	case frameStop:
		s.stopped, s.finished, s.finTaken = true, true, true
		s.freed(s.out.size+s.filling, s.out.size)
		s.out.discard(s.out.size)
		p.at = s.out.end()
		s.writable.Broadcast()
		s.send() // that may have been all
	case frameBlocked:
		s.blocked = true
		s.hunger()
	}
	return nil
}

func (p *path) fin(at uint64) error {
	s := p.stream
	if at != s.in.end() {
		return errBroken
	}
	p.useful = p.useful || !s.finSeen
	s.finSeen = true
	if s.linger != nil {
		s.linger.Stop()
	}
	if s.in.size == 0 {
		s.ackNow = true
		s.send()
	}
	s.readable.Broadcast()
	return nil
}

func (p *path) wasReset(c code) error {
	s := p.stream
	s.mu.Lock()
	defer s.unlock()
	if p.gone {
		return errGone
	}
	s.fail(fmt.Errorf("%w: %v", ErrReset, c))
	return errGone
}
