package mirror

import (
	"io"

	"hither/mirror/wire"
)

// turns is how many messages of windows that have the person's eye go before
// one of another window, if that has something to say too.
const turns = 3

// reader is what Read keeps between its calls.
type reader struct {
	buf     []byte
	greeted bool
	last    bool   // closed was sent
	on      uint32 // whose frame parts come, as was said last
	chosen  *pane  // an On for it was just sent
	current *pane  // the last part was its
	news    bool   // the last message told of a window, or was the seat's
	ahead   int    // how many messages went before others
	clock   uint64 // counts frames
}

// Read makes the next message when there is something to say.
func (s *session) Read() ([]byte, error) {
	for {
		message, p, err := s.next()
		if err != nil {
			return nil, err
		}
		if message != nil {
			return s.say(message), nil
		}
		if part := s.part(p); part != nil {
			return part, nil
		}
	}
}

func (s *session) say(m wire.Message) []byte {
	s.reader.buf = m.Append(s.reader.buf[:0])
	return s.reader.buf
}

// More says whether Read has a message at hand.
func (s *session) More() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.reader.current
	return p != nil && s.panes[p.id] == p && p.due() && p.view.splitter.More()
}

// part gives the next part of a window's frame, which it makes if there is none
// under way; the window is named before. nil is nothing.
func (s *session) part(p *pane) []byte {
	r := &s.reader
	v := p.view
	if !v.splitter.More() {
		r.clock++
		p.begun = r.clock
		if do := s.step(v); do != nil {
			do()
		}
		if !v.splitter.More() {
			return nil
		}
	}
	r.current = p
	if r.on != p.id {
		r.on, r.chosen = p.id, p
		return s.say(wire.On{Window: p.id})
	}
	r.chosen = nil
	return v.splitter.Next()
}

// step gives what makes a view's next frame, or brings it to be sent.
func (s *session) step(v *view) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.sending = false
	if !v.due() {
		return nil
	}
	_, do, _ := v.step()
	return do
}

// next waits for something to say: a message, or a part of a window's frame.
func (s *session) next() (wire.Message, *pane, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		message, p, err := s.due()
		if message != nil || p != nil || err != nil {
			return message, p, err
		}
		s.wake.Wait()
	}
}

// due needs mu.
func (s *session) due() (wire.Message, *pane, error) {
	r := &s.reader
	switch {
	case s.dropped || r.last:
		return nil, nil, io.EOF
	case !r.greeted:
		r.greeted = true
		return s.hello(), nil, nil
	case s.closed != nil:
		r.last = true
		return *s.closed, nil, nil
	case len(s.pongs) > 0:
		id := s.pongs[0]
		s.pongs = s.pongs[1:]
		return wire.Pong{ID: id}, nil, nil
	case s.untyped != "":
		left := s.untyped
		s.untyped = ""
		return wire.Untyped{Text: left}, nil, nil
	}
	if m := s.ear.next(); m != nil {
		return m, nil, nil
	}
	if !r.news {
		m := s.tell()
		if m == nil {
			m = s.seat.next()
		}
		if m != nil {
			r.news = true
			return m, nil, nil
		}
	}
	r.news = false
	if p := s.choose(); p != nil {
		return nil, p, nil
	}
	if m := s.tell(); m != nil {
		return m, nil, nil
	}
	return s.seat.next(), nil, nil
}

func (s *session) hello() wire.Message {
	shown := s.located.Screen
	return wire.Hello{ViewOnly: s.options.ViewOnly, Windows: true, Title: shown.Title,
		Width: uint16(shown.Width), Height: uint16(shown.Height)}
}

// tell gives what the viewer does not know of the windows. It needs mu.
func (s *session) tell() wire.Message {
	if len(s.gone) > 0 {
		id := s.gone[0]
		s.gone = s.gone[1:]
		return wire.Gone{Window: id}
	}
	for _, p := range s.order {
		switch {
		case !p.told || p.said != p.now.Window:
			p.told, p.said = true, p.now.Window
			return p.said
		case p.icon != p.now.Icon:
			p.icon = p.now.Icon
			return wire.Icon{Window: p.id, PNG: []byte(p.icon)}
		}
	}
	return nil
}

// choose gives the window whose frame goes on or begins: the active one and
// popups first, but not for ever, and among equals the one that waited longest.
// It needs mu.
func (s *session) choose() *pane {
	r := &s.reader
	if p := r.chosen; p != nil && s.panes[p.id] == p && p.due() {
		return p
	}
	var first, other *pane
	for _, p := range s.order {
		switch {
		case !p.due():
		case p.now.Flags&(wire.Active|wire.Popup) != 0:
			first = earlier(first, p)
		default:
			other = earlier(other, p)
		}
	}
	if first == nil || other != nil && r.ahead >= turns {
		r.ahead = 0
		return other
	}
	if other != nil {
		r.ahead++
	}
	return first
}

// due says whether a window has a frame under way, or one could be made. It
// needs mu.
func (p *pane) due() bool {
	return p.told && p.view != nil && p.view.closed == nil && (p.view.splitter.More() || p.view.due())
}

// earlier gives the one whose frame is under way, else whose last one is older.
func earlier(a, b *pane) *pane {
	switch {
	case a == nil:
		return b
	case a.view.splitter.More() != b.view.splitter.More():
		if a.view.splitter.More() {
			return a
		}
		return b
	case b.begun < a.begun:
		return b
	}
	return a
}
