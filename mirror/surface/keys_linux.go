package surface

import (
	"image"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// keysGoTo gives the window that a key is for: popups have no focus.
func (v *view) keysGoTo(h *hands, w xproto.Window) *pane {
	p := v.find(w)
	if p != nil && p.popup() && h.focus != nil {
		return h.focus
	}
	return p
}

func (v *view) keyPress(h *hands, p *pane, keycode byte, state uint16) {
	code, ok := evdev(keycode)
	if !ok || p == nil {
		return
	}
	switch command := h.keys.command(code); {
	case command == fullCommand:
		p.win.toggleFull()
	case command == grabCommand:
		v.toggleGrab(h, p)
	case command == infoCommand:
		v.overlay.toggle(p)
	case command == recordCommand:
		v.toggleRecord(p)
	case command == muteCommand:
		v.ears.toggle(p)
	case command == cancelCommand && v.clip.cancel():
	default:
		if !v.letter(h, p, keycode, state) && h.keys.press(code) {
			v.input(p, wire.Key{Code: code, Down: true})
		}
	}
}

func (v *view) keyRelease(h *hands, p *pane, keycode byte) {
	if code, ok := evdev(keycode); ok && p != nil && h.keys.release(code) {
		v.input(p, wire.Key{Code: code})
	}
}

func (v *view) button(h *hands, e xproto.ButtonPressEvent, down bool) {
	p := v.find(e.Event)
	if p == nil {
		return
	}
	if e.Event == p.win.outer {
		v.frameButton(p, e, down)
		return
	}
	v.notePress(p, e, down)
	button := byte(e.Detail)
	dx, dy, isWheel := wheel(button)
	if down && !isWheel && v.holds(h, p) {
		v.holdMouse(h, p, e.Time)
		return
	}
	p, at := v.under(p, image.Pt(int(e.EventX), int(e.EventY)), image.Pt(int(e.RootX), int(e.RootY)))
	where := []wire.Message{pointerAt(p, at)}
	if h.mouse != nil {
		where = nil
	}
	switch {
	case isWheel && down:
		v.input(p, append(where, wire.Wheel{DX: dx, DY: dy})...)
	case !isWheel && realButton(button):
		v.input(p, append(where, wire.Button{Button: button, Down: down})...)
	}
}

func (v *view) flushMotion(h *hands) {
	v.flushMouse(h)
	m := h.motion
	if m == nil {
		return
	}
	h.motion = nil
	m.pane.glass.panWith(m.at)
	p, at := v.under(m.pane, m.at, m.root)
	v.input(p, pointerAt(p, at))
}

// pointerAt gives the pointer's place in the picture.
func pointerAt(p *pane, at image.Point) wire.Message {
	geo := p.glass.geo.Load()
	at = toSource(at, geo.origin, geo.picture)
	return wire.Pointer{X: uint16(at.X), Y: uint16(at.Y)}
}

// under gives the window that the pointer is in. While a button is down, X
// sends all to the window where it went down; a menu that is dragged through
// must get it.
func (v *view) under(p *pane, at, root image.Point) (*pane, image.Point) {
	if p.single() {
		return p, at
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	root = root.Sub(v.room.desk().Min)
	for i := len(v.panes) - 1; i >= 0; i-- {
		q := v.panes[i]
		if q.popup() && root.In(q.here()) {
			return q, root.Sub(q.here().Min)
		}
	}
	return p, at
}

// toggleGrab takes the keyboard for a window, or gives it and the mouse back.
func (v *view) toggleGrab(h *hands, p *pane) {
	if h.mouse != nil {
		v.letMouseGo(h)
		v.ungrab(h)
		return
	}
	if h.grabbed != nil {
		v.ungrab(h)
		return
	}
	h.grabbed = p
	p.win.grab(true)
	v.overlay.note(p, "Keyboard grabbed. Ctrl+Alt+G gives it back")
}

// ungrab gives the keyboard back.
func (v *view) ungrab(h *hands) {
	if h.grabbed != nil {
		h.grabbed.win.grab(false)
		h.grabbed = nil
	}
}
