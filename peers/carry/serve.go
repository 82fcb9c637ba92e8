package carry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hither/fusion"
)

// Serve takes a carrier from a computer whose identity was proved, and returns
// when the carrier has ended.
func (e *Endpoint) Serve(id fusion.HostID, c Carrier) {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		c.Reset()
		return
	}
	e.wg.Add(1)
	e.mu.Unlock()
	defer e.wg.Done()
	bound := time.AfterFunc(answerTime, func() { c.Reset() })
	stop := context.AfterFunc(e.ctx, func() { c.Reset() })
	p, refused, err := e.welcome(id, c)
	stop()
	if err == nil && p == nil {
		if _, err = c.Write(answer{code: refused, boot: e.boot}.encode()); err == nil {
			err = c.CloseWrite()
		}
	}
	if p != nil {
		bound.Stop()
		p.run()
		return
	}
	if err == nil {
		io.Copy(io.Discard, c) // until the other side has read it
	}
	bound.Stop()
	c.Reset()
}

// welcome reads the hello and finds or makes the stream. It gives the code of a
// refusal instead, or that of a hello that nothing follows.
func (e *Endpoint) welcome(id fusion.HostID, c Carrier) (*path, code, error) {
	h, err := readHello(c)
	if errors.Is(err, errVersion) {
		return nil, oldVersion, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if !e.cfg.Allowed(id) {
		return nil, notPaired, nil
	}
	e.mu.Lock()
	r := e.remoteLocked(id)
	quick := !r.takeToken(time.Now())
	e.mu.Unlock()
	if quick {
		return nil, later, nil
	}
	r.met(h.boot)
	s, listener, refused := r.find(h)
	if s == nil {
		return nil, refused, nil
	}
	s.mu.Lock()
	p, refused := s.take(h, c)
	s.unlock()
	if listener != nil {
		listener.hand(s)
	}
	return p, refused, nil
}

// takeToken books one carrier; false: there were too many in a short time.
func (r *remote) takeToken(now time.Time) bool {
	r.tokens = min(attachBurst, r.tokens+now.Sub(r.asOf).Seconds()*attachesASec)
	r.asOf = now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}

// find gives the stream of a hello. One that is new is to be handed to the
// listener.
func (r *remote) find(h hello) (*Stream, *Listener, code) {
	e := r.end
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := r.taken[h.id]; s != nil {
		return s, nil, 0
	}
	l := e.listeners[h.protocol]
	switch {
	case h.flags&flagReset != 0, h.flags&flagOpen == 0, h.received != 0, h.attach == 0:
		return nil, nil, unknown
	case e.closing, l == nil:
		return nil, nil, noProtocol
	case len(r.taken) >= maxStreams, r.pending >= maxPending:
		return nil, nil, tooMany
	}
	s := newStream(e, r, h.id, h.protocol, false)
	s.boot = h.boot
	s.taking = true
	r.taken[h.id] = s
	r.pending++
	e.streams++
	return s, l, 0
}

// take makes a carrier that comes in the stream's own.
func (s *Stream) take(h hello, c Carrier) (*path, code) {
	switch {
	case s.over:
		return nil, unknown
	case h.attach <= s.attach:
		return nil, stale
	case h.flags&flagReset != 0:
		s.fail(fmt.Errorf("%w: %v", ErrReset, aborted))
		return nil, accepted
	case s.reset != 0:
		s.finishOff()
		return nil, unknown
	}
	p := &path{stream: s, carrier: c, first: answer{accepted, s.in.end(), s.end.boot}.encode()}
	if h.boot != s.boot || !p.begin(h.received) {
		s.fail(errBroken)
		return nil, broken
	}
	s.attach = h.attach
	s.adopt(p)
	return p, accepted
}
