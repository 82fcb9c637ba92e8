package carry

import (
	"context"
	"fmt"
	"time"

	"hither/fusion"
)

// Connect opens the stream over a carrier and waits for the other side's answer.
// While none came it may be called again with another carrier.
//
// Errors: fusion.ErrUnsupported when nobody listens for the protocol, ErrBusy when
// the other side has too many streams, ErrUnpaired; ctx's own; else the carrier's.
func (s *Stream) Connect(ctx context.Context, c Carrier) error {
	s.mu.Lock()
	if s.err != nil {
		defer s.unlock()
		c.Reset()
		return s.err
	}
	p := s.try(c)
	s.unlock()
	select {
	case err := <-p.result:
		return err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.unlock()
	if s.trying == p {
		p.leave()
		s.trying = nil
	}
	return ctx.Err()
}

// try asks over a new carrier.
func (s *Stream) try(c Carrier) *path {
	s.attach++
	h := hello{attach: s.attach, id: s.id, received: s.in.end(), boot: s.end.boot, protocol: s.protocol}
	if !s.opened {
		h.flags |= flagOpen
	}
	if s.reset != 0 {
		h.flags |= flagReset
	}
	p := &path{stream: s, carrier: c, result: make(chan error, 1), first: h.encode()}
	if s.trying != nil {
		s.trying.leave()
	}
	s.trying = p
	if !s.end.start(p.run) {
		s.trying = nil
		c.Reset()
		p.result <- errStopped
		return p
	}
	p.kick()
	return p
}

// greet waits for the answer to the hello.
func (p *path) greet() error {
	bound := time.AfterFunc(answerTime, func() { p.carrier.Reset() })
	a, err := readAnswer(p.carrier)
	bound.Stop()
	if err != nil {
		return err
	}
	s := p.stream
	if a.code == accepted {
		s.far.met(a.boot)
	}
	s.mu.Lock()
	defer s.unlock()
	if p.gone || s.trying != p {
		return errGone
	}
	switch a.code {
	case accepted:
	case later:
		s.misses = laterMisses
		return refusal(a.code)
	case stale:
		return refusal(a.code)
	default:
		err := refusal(a.code)
		s.fail(err)
		return err
	}
	if s.reset != 0 { // that was all there was to say
		s.finishOff()
		return errGone
	}
	if s.opened && a.boot != s.boot || !p.begin(a.received) {
		return errBroken
	}
	s.boot = a.boot
	s.adopt(p)
	p.result <- nil
	return nil
}

// begin says from where the other side needs bytes on this carrier; false: it
// cannot be.
func (p *path) begin(received uint64) bool {
	s := p.stream
	if s.stopped {
		p.at = s.out.end()
		return true
	}
	// It may have said so before an acknowledgement on the last carrier.
	p.at = max(received, s.out.start)
	return received <= s.sent
}

// refusal is the error of a code that is not accepted.
func refusal(c code) error {
	cause := ErrReset
	switch c {
	case noProtocol, oldVersion:
		cause = fusion.ErrUnsupported
	case tooMany, later:
		cause = fusion.ErrBusy
	case notPaired:
		cause = fusion.ErrUnpaired
	}
	return fmt.Errorf("%w: %v", cause, c)
}

// adopt makes a carrier the stream's own. The one before it ends.
func (s *Stream) adopt(p *path) {
	s.settle()
	if s.path != nil {
		s.path.leave()
	}
	if s.trying == p {
		s.trying = nil
	}
	s.path, p.ready = p, true
	if s.opened {
		s.moves++
		s.ackNow = true // what the last carrier was given may be lost
	}
	s.opened = true
	s.patient.stops()
	s.tell()
	p.kick()
}

// settle gives back the room of bytes that a carrier was in the middle of.
func (s *Stream) settle() {
	s.far.receiving.shrink(s.in.size+s.arriving, s.arriving)
	s.arriving = 0
}

// lost is called when a carrier has ended.
func (s *Stream) lost(p *path) {
	switch p {
	case s.path:
		s.settle()
		s.path = nil
		s.tell()
		s.patient.starts(s)
	case s.trying:
		s.trying = nil
	default:
		return
	}
	p.leave()
	if p.resetTold || p.ready && p.complete() {
		s.finishOff()
		return
	}
	if s.over || !s.opener && s.reset == 0 || !s.opened && s.reset == 0 || s.trying != nil {
		return
	}
	if !s.opener {
		s.finishOff() // reset, and the other side will ask in vain
		return
	}
	if p.useful {
		s.misses = 0
	}
	s.seekLater()
}

// Pauses between attempts to have a carrier while there is a path.
const (
	firstPause  = 20 * time.Millisecond
	longPause   = time.Second
	laterMisses = 7
)

// seekLater looks for a carrier at once, or after a pause when the last ones were
// of no use.
func (s *Stream) seekLater() {
	pause := min(firstPause<<max(0, s.misses-1), longPause)
	s.misses = min(s.misses+1, laterMisses)
	if s.misses == 1 {
		s.seek()
		return
	}
	if s.retry != nil {
		s.retry.Stop()
	}
	s.retry = time.AfterFunc(pause, func() {
		s.mu.Lock()
		defer s.unlock()
		s.seek()
	})
}

// seek looks for a carrier in a goroutine.
func (s *Stream) seek() {
	if !s.opener || s.over || !s.opened && s.reset == 0 {
		return
	}
	if s.seeking {
		s.seekAgain = true
		return
	}
	s.seeking = s.end.start(s.look)
}

func (s *Stream) look() {
	s.mu.Lock()
	defer s.unlock()
	defer func() { s.seeking = false }()
	for !s.over {
		s.seekAgain = false
		now := s.path
		if s.trying != nil {
			now = s.trying
		}
		var current Carrier
		if now != nil {
			current = now.carrier
		}
		s.unlock()
		c, err := s.end.cfg.Dial(s.end.ctx, s.far.id, current)
		s.mu.Lock()
		switch {
		case err != nil && s.end.ctx.Err() == nil && !s.over:
			s.end.cfg.Log.Debug("carrier", "host", s.far.id, "err", err)
			s.seekLater()
		case c != nil && s.over:
			s.unlock()
			c.Reset()
			s.mu.Lock()
		case c != nil:
			s.try(c)
		}
		if !s.seekAgain {
			return
		}
	}
}
