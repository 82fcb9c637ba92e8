package capture

import (
	"image"
	"time"

	"hither/mirror/wire"
)

// restackPatience is how long the window manager may take to raise a window, and
// raiseAgain how long another one is left above it until it is asked anew.
const (
	restackPatience = 50 * time.Millisecond
	raiseAgain      = time.Second
)

// xaim is where input goes.
type xaim struct {
	window  uint32      // the pointer is in it
	top     uint32      // the child of the root that it is in
	cover   uint32      // the child that kept the pointer although top was raised
	raised  time.Time   // when that was
	corner  image.Point // of what is shown, from the corner inside the window's border
	buttons uint32      // held, a bit each

	keys  uint32 // the window that had the focus for sure
	focus uint32 // and the exact place of it
}

// Input applies a wire.Key, Pointer, Button, Wheel or Text to a window, whose pixels
// the pointer's places count. The window is raised where another would get the
// pointer, and gets the focus where another would get the key. Window 0 is
// wherever the pointer and the focus are.
func (w *XWindows) Input(window uint32, event wire.Message) error {
	in := w.input
	in.mu.Lock()
	defer in.mu.Unlock()
	var err error
	switch m := event.(type) {
	case wire.Pointer:
		if window != 0 {
			return w.point(window, image.Pt(int(m.X), int(m.Y)))
		}
	case wire.Button:
		if m.Down && window != 0 && w.aim.buttons == 0 {
			err = w.reach(window)
		}
	case wire.Wheel:
		if window != 0 && w.aim.buttons == 0 {
			var has uint32
			if has, err = in.conn.pointed(); err == nil && !w.kept(window, has) {
				err = w.reach(window)
			}
		}
	case wire.Key:
		if m.Down && window != 0 {
			err = w.focus(window)
		}
	case wire.Text:
		if window != 0 {
			err = w.focus(window)
		}
	}
	if err != nil {
		return err
	}
	if m, ok := event.(wire.Button); ok {
		w.hold(m)
	}
	return in.apply(event)
}

func (w *XWindows) hold(m wire.Button) {
	bit := uint32(1) << (m.Button & 31)
	if m.Down {
		w.aim.buttons |= bit
	} else {
		w.aim.buttons &^= bit
	}
}

// point moves the pointer. While a button is held its window keeps it, wherever
// other windows lie: a menu under it must not be covered.
func (w *XWindows) point(window uint32, p image.Point) error {
	conn, free := w.input.conn, w.aim.buttons == 0
	entered := window != w.aim.window && free
	if entered {
		if err := w.find(window); err != nil {
			return err
		}
	}
	p = p.Add(w.aim.corner)
	pointed := conn.request(38, 0, words(conn.screen.root))                         // QueryPointer
	place := conn.request(40, 0, words(window, conn.screen.root, shorts(p.X, p.Y))) // TranslateCoordinates
	b, err := conn.reply(pointed)
	if err != nil {
		return err
	}
	has := le.Uint32(b[12:])
	if b, err = conn.reply(place); err != nil {
		return err
	}
	w.input.fake(motion, 0, int(int16(le.Uint16(b[12:]))), int(int16(le.Uint16(b[14:]))))
	switch {
	case entered:
		return w.uncover()
	case free && !w.kept(window, has):
		return w.reach(window)
	}
	return w.input.send()
}

// kept says whether the pointer is where it was left: in a window, or in what
// stayed above it, such as its dialog. What is not the manager's is not
// raised again: its own menus may lie above it.
func (w *XWindows) kept(window, has uint32) bool {
	stays := has == w.aim.top || w.aim.top == window || has == w.aim.cover && time.Since(w.aim.raised) < raiseAgain
	return window == w.aim.window && stays
}

// reach finds a window and uncovers it.
func (w *XWindows) reach(window uint32) error {
	if err := w.find(window); err != nil {
		return err
	}
	return w.uncover()
}

// find learns where a window is among the others.
func (w *XWindows) find(window uint32) error {
	conn := w.input.conn
	w.aim.window = 0
	top, err := conn.top(window)
	if err != nil {
		return err
	}
	extents, err := conn.atom(extentsName)
	if err != nil {
		return err
	}
	propertySeq := conn.request(20, 0, words(window, extents, cardinal, 0, 4)) // GetProperty
	windowSeq := conn.request(14, 0, words(window))                            // GetGeometry
	property, propertyErr := conn.reply(propertySeq)
	b, err := conn.reply(windowSeq)
	if err != nil {
		return err
	}
	if propertyErr != nil {
		return propertyErr
	}
	g := geometry(b[16:])
	w.aim.window, w.aim.top = window, top
	w.aim.corner = inset(int(g[0]), int(g[1]), int(g[2]), xnumbers(property)).Min
	return nil
}

// uncover raises the aimed window if another one has the pointer. A popup that
// lies above it stays there.
func (w *XWindows) uncover() error {
	conn, top := w.input.conn, w.aim.top
	has, err := conn.pointed()
	if err != nil {
		return err
	}
	switch mask := ^conn.idMask; {
	case has == top || has == 0:
	case top == w.aim.window: // not the manager's
		conn.request(12, 0, words(top, 1<<6, 0)) // ConfigureWindow: stack mode above
		return w.input.send()
	case has&mask == top&mask:
		if err := w.raise(); err != nil {
			return err
		}
		for end := time.Now().Add(restackPatience); has != top && time.Now().Before(end); {
			if has, err = conn.pointed(); err != nil {
				return err
			}
		}
	}
	w.aim.cover, w.aim.raised = has, time.Now()
	return nil
}

// raise asks the manager to (EWMH _NET_RESTACK_WINDOW). Frames are its own.
func (w *XWindows) raise() error {
	conn := w.input.conn
	restack, err := conn.atom("_NET_RESTACK_WINDOW")
	if err != nil {
		return err
	}
	const clientMessage, format, pager, above, substructure = 33, 32, 2, 0, 1<<19 | 1<<20
	event := append([]byte{clientMessage, format, 0, 0}, words(w.aim.window, restack, pager, 0, above, 0, 0)...)
	conn.request(25, 0, append(words(conn.screen.root, substructure), event...)) // SendEvent
	return nil
}

// focus gives a window the focus if neither it nor a part of it has it. Popups
// never get it: who opened them has the keys.
func (w *XWindows) focus(window uint32) error {
	conn := w.input.conn
	b, err := conn.call(43, 0, nil) // GetInputFocus
	if err != nil {
		return err
	}
	focus := le.Uint32(b[8:])
	if w.aim.keys == window && w.aim.focus == focus {
		return nil
	}
	w.aim.keys, w.aim.focus = window, focus
	inside, err := conn.inside(focus, window)
	if err != nil || inside {
		return nil // a focus that is gone comes back to somebody
	}
	w.aim.keys = 0
	top, err := conn.top(window)
	if err != nil {
		return err
	}
	const pointerRoot, now = 1, 0
	if top != window {
		conn.request(42, pointerRoot, words(window, now)) // SetInputFocus
	}
	return nil
}
