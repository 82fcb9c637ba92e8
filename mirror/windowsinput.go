package mirror

import (
	"cmp"
	"io"
	"math"
	"slices"

	"hither/mirror/wire"
)

// Write takes a message of the viewer. Input is applied before it returns; what
// moves windows is done soon, the newest of it. What is no message of the wire
// ends the view.
func (s *session) Write(message []byte) error {
	s.mu.Lock()
	over := s.closed != nil
	s.mu.Unlock()
	if over {
		return io.ErrClosedPipe
	}
	m, err := wire.ParseViewer(message)
	if err == nil {
		err = s.take(m)
	}
	if err != nil {
		s.end(wire.Closed{Reason: wire.Failed, Text: err.Error()})
	}
	return err
}

func (s *session) take(m wire.Message) error {
	switch m := m.(type) {
	case wire.Over:
		s.over = m.Window
	case wire.Ack, wire.Refresh:
		if v := s.viewOf(s.over); v != nil {
			return v.take(m)
		}
	case wire.Listen, wire.Speak, wire.Sound:
		s.ear.take(m)
	case wire.Desk, wire.Ping, wire.Able:
		s.control(m)
	case wire.ClipOffer, wire.ClipWant, wire.ClipData,
		wire.FileDrop, wire.FileTake, wire.FileEntry, wire.FilePiece, wire.FileNews:
		s.seat.take(m)
	case wire.Place, wire.State, wire.Shut, wire.Key, wire.Pointer, wire.Button, wire.Wheel, wire.Text, wire.Release, wire.Bye:
		if !s.options.ViewOnly {
			s.command(m)
		}
	}
	return nil
}

// viewOf gives the view of a window, or nil when the window is gone.
func (s *session) viewOf(id uint32) *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.panes[id]; p != nil {
		return p.view
	}
	return nil
}

// control handles what concerns the view as a whole.
func (s *session) control(m wire.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := m.(type) {
	case wire.Desk:
		s.desk = &m
	case wire.Able:
		s.able = &m
		for _, p := range s.order {
			if p.view != nil {
				p.view.able = able(m.Flags)
			}
		}
	case wire.Ping:
		if len(s.pongs) == maxPongs {
			s.pongs = s.pongs[1:]
		}
		s.pongs = append(s.pongs, m.ID)
	}
	s.wake.Broadcast()
}

// command handles what only a viewer with input may say.
func (s *session) command(m wire.Message) {
	switch m := m.(type) {
	case wire.Place:
		s.want(m.Window, func(p *pane) { p.place = &m })
	case wire.State:
		s.want(m.Window, func(p *pane) {
			if p.state != nil {
				m = both(*p.state, m)
			}
			p.state = &m
		})
	case wire.Shut:
		s.want(m.Window, func(p *pane) { p.shut = true })
	case wire.Bye:
		s.server.bye(s.located.Bye)
	default:
		s.input(m)
	}
}

// want notes a wish. The window goes to the end of those that wait, so that of
// two that shall be active the later one is.
func (s *session) want(id uint32, note func(p *pane)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.panes[id]
	if p == nil {
		return
	}
	note(p)
	s.todo = append(slices.DeleteFunc(s.todo, func(q *pane) bool { return q == p }), p)
	s.wake.Broadcast()
}

// both is what two states come to, the later one after the earlier. The upper
// half of a state's flags says which of the lower count; none there is all.
func both(earlier, later wire.State) wire.State {
	const all = 0xff
	only := func(f wire.WindowFlags) wire.WindowFlags {
		if f>>8 == 0 {
			return all
		}
		return f >> 8
	}
	changed := only(later.Flags)
	flags := earlier.Flags&all&^changed | later.Flags&changed
	later.Flags = flags | (changed|only(earlier.Flags))<<8
	return later
}

// aim is a window, or none, that takes input.
type aim struct {
	windows Windows
	id      uint32
}

func (a aim) Input(m wire.Message) error { return a.windows.Input(a.id, m) }

func (s *session) aim(id uint32) aim { return aim{s.located.Windows, id} }

// input gives a window what its person did. What is held down belongs to no
// window: a key may close one before it is let go.
func (s *session) input(m wire.Message) {
	s.seat.handOver()
	id := s.over
	s.mu.Lock()
	there := s.panes[id] != nil
	s.mu.Unlock()
	if !there {
		id = 0
	}
	var err error
	switch {
	case m == wire.Message(wire.Release{}):
		s.held.release(s.aim(0))
	case there || letsGo(m):
		err = s.held.input(s.aim(id), m)
	case s.over == 0:
		err = s.beside(m)
	}
	s.left(err)
	if err != nil {
		s.server.log.Debug("input refused", "screen", s.name, "window", id, "error", err)
	}
}

// beside handles a button beside all windows: it closes menus, as a press in
// the far corner of the desktop does. Without a menu it does nothing.
func (s *session) beside(m wire.Message) error {
	if _, is := m.(wire.Button); !is || !s.popup() {
		return nil
	}
	corner := wire.Pointer{X: math.MaxInt16, Y: math.MaxInt16} // the display ends before
	return cmp.Or(s.aim(0).Input(corner), s.held.input(s.aim(0), m))
}

func (s *session) popup() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.order, func(p *pane) bool { return p.now.Flags&wire.Popup != 0 })
}

// letsGo says whether a message ends a key or a button.
func letsGo(m wire.Message) bool {
	switch m := m.(type) {
	case wire.Key:
		return !m.Down
	case wire.Button:
		return !m.Down
	}
	return false
}
