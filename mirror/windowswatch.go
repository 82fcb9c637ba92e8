package mirror

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

const (
	// maxPanes is how many windows of an app a view shows; what is above it
	// waits until others go.
	maxPanes = 100
	// pace is the least time between two wishes that are done: a viewer that
	// floods with them gets the newest done, and keeps nobody else from work.
	pace = 5 * time.Millisecond
)

// watch follows the windows until they or the view end.
func (s *session) watch() {
	if !s.awaitDesk() {
		return
	}
	for {
		list, err := s.located.Windows.Next()
		switch {
		case errors.Is(err, io.EOF):
			s.end(wire.Closed{Reason: wire.Ended, Text: "the app has ended"})
			return
		case err != nil:
			s.server.log.Warn("windows lost", "screen", s.name, "error", err)
			s.end(wire.Closed{Reason: wire.Failed, Text: err.Error()})
			return
		}
		fresh, left := s.update(list)
		for _, v := range left {
			_ = v.Close() // never fails
		}
		for _, p := range fresh {
			s.capture(p)
		}
	}
}

func (s *session) awaitDesk() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ready && s.closed == nil {
		s.wake.Wait()
	}
	return s.closed == nil
}

// update takes over what the windows are now. It gives those that came, and the
// views of those that went.
func (s *session) update(list []Window) (fresh []*pane, left []*view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.order
	s.order = nil
	for _, w := range list[:min(len(list), maxPanes)] {
		p := s.panes[w.ID]
		if p == nil {
			p = &pane{id: w.ID}
			s.panes[w.ID] = p
			fresh = append(fresh, p)
		}
		p.now = w
		s.order = append(s.order, p)
	}
	for _, p := range before {
		if slices.Contains(s.order, p) {
			continue
		}
		delete(s.panes, p.id)
		if p.told {
			s.gone = append(s.gone, p.id)
		}
		if p.view != nil {
			left = append(left, p.view)
		}
	}
	s.wake.Broadcast()
	return fresh, left
}

// capture makes a window a screen, which this session alone views.
func (s *session) capture(p *pane) {
	source, err := s.located.Windows.Open(p.id)
	if err != nil {
		s.server.log.Debug("window not captured", "screen", s.name, "window", p.id, "error", err)
		return
	}
	name := fmt.Sprintf("%s#%d", s.name, p.id)
	sc := newScreen(s.server, name, s.wake)
	s.server.running.Add(1) // until its source is freed
	sc.begin(Located{Screen: fusion.Screen{Name: name}, Source: source})
	v := sc.join(s.options) // the screen is new, so it has not ended
	s.mu.Lock()
	p.view, v.greeted = v, true
	if s.able != nil {
		v.able = able(s.able.Flags)
	}
	over := s.closed != nil
	s.wake.Broadcast()
	s.mu.Unlock()
	if over {
		_ = v.Close() // never fails
		return
	}
	s.server.running.Go(func() { follow(v) })
}

// follow captures the screen of a window's view: the session's reader waits for
// many screens, so it cannot do that itself.
func follow(v *view) {
	for wanted(v) {
		v.screen.capture()
	}
}

// wanted waits until the view could take another change; false is its end. What
// the reader has not made a frame of is not captured again.
func wanted(v *view) bool {
	sc := v.screen
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for v.closed == nil && (!v.ready() || v.group.due()) {
		sc.wake.Wait()
	}
	sc.capturing = v.closed == nil
	return sc.capturing
}

// act does what the viewer wishes, one after the other.
func (s *session) act() {
	timer := time.NewTimer(pace)
	defer timer.Stop()
	for {
		wish := s.wish()
		if wish == nil {
			return
		}
		if s.options.ViewOnly { // all it wishes is a desk, which begins the view
			s.begin()
			continue
		}
		if err := s.located.Windows.Do(wish); err != nil {
			s.server.log.Debug("window not changed", "screen", s.name, "error", err)
		}
		if _, is := wish.(wire.Desk); is {
			s.begin()
		}
		timer.Reset(pace)
		select {
		case <-timer.C:
		case <-s.done:
			return
		}
	}
}

// begin lets the windows come.
func (s *session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = true
	s.wake.Broadcast()
}

// wish waits for the next thing to do; nil is the end.
func (s *session) wish() wire.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.closed == nil {
		if s.desk != nil {
			desk := *s.desk
			s.desk = nil
			return desk
		}
		if len(s.todo) > 0 {
			if m := s.todo[0].wish(); m != nil {
				return m
			}
			s.todo = s.todo[1:]
			continue
		}
		s.wake.Wait()
	}
	return nil
}

// wish takes the pane's next one; a window is asked to close last.
func (p *pane) wish() wire.Message {
	switch {
	case p.state != nil:
		m := *p.state
		p.state = nil
		return m
	case p.place != nil:
		m := *p.place
		p.place = nil
		return m
	case p.shut:
		p.shut = false
		return wire.Shut{Window: p.id}
	}
	return nil
}
