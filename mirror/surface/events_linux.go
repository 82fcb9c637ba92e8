package surface

import (
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/mirror/wire"
)

// hands is the state of the person's input. It belongs to the event loop.
type hands struct {
	keys   keyboard
	motion *image.Point // newest place in the area, not yet sent
	size   *image.Point // newest size of the window, not yet followed
	ask    *resizer
}

// events turns what the person does into messages until the display's
// connection ends. What is at hand is taken together: of several motions or
// sizes the newest counts.
func (v *view) events() {
	h := &hands{ask: newResizer(v.send)}
	defer h.ask.close()
	for {
		event, xerr := v.win.conn.WaitForEvent()
		if event == nil && xerr == nil {
			v.end(opError(fusion.ErrOffline, "the X display went away", "start it again inside a desktop session"))
			return
		}
		for event != nil || xerr != nil {
			if xerr != nil {
				v.cfg.Log.Debug("display refused a request", "err", xerr)
			} else {
				v.event(h, event)
			}
			event, xerr = v.win.conn.PollForEvent()
		}
		v.flushMotion(h)
		v.flushSize(h)
	}
}

func (v *view) event(h *hands, event xgb.Event) {
	if motion, ok := event.(xproto.MotionNotifyEvent); ok {
		h.motion = &image.Point{X: int(motion.EventX), Y: int(motion.EventY)}
		return
	}
	v.flushMotion(h)
	switch e := event.(type) {
	case xproto.KeyPressEvent:
		v.keyPress(h, byte(e.Detail))
	case xproto.KeyReleaseEvent:
		v.keyRelease(h, byte(e.Detail))
	case xproto.ButtonPressEvent:
		v.button(h, byte(e.Detail), true, image.Pt(int(e.EventX), int(e.EventY)))
	case xproto.ButtonReleaseEvent:
		v.button(h, byte(e.Detail), false, image.Pt(int(e.EventX), int(e.EventY)))
	case xproto.FocusOutEvent:
		v.focusOut(h, e)
	case xproto.ExposeEvent:
		v.glass.exposed(image.Rect(int(e.X), int(e.Y), int(e.X)+int(e.Width), int(e.Y)+int(e.Height)))
	case xproto.ConfigureNotifyEvent:
		if e.Window == v.win.outer {
			h.size = &image.Point{X: int(e.Width), Y: int(e.Height)}
		}
	case xproto.PropertyNotifyEvent:
		if e.Atom == v.win.atoms["_NET_WM_STATE"] {
			v.followState()
		}
	case xproto.DestroyNotifyEvent:
		if e.Window == v.win.outer { // by another program: nobody asked us
			v.closed()
		}
	case xproto.ClientMessageEvent:
		v.clientMessage(e)
	}
}

// closed tells the host that the person wants no more of the screen.
func (v *view) closed() {
	v.send(wire.Bye{})
	v.end(errBye)
}

func (v *view) keyPress(h *hands, keycode byte) {
	code, ok := evdev(keycode)
	if !ok {
		return
	}
	if h.keys.toggles(code) {
		v.win.toggleFull()
		return
	}
	if h.keys.press(code) {
		v.input(wire.Key{Code: code, Down: true})
	}
}

func (v *view) keyRelease(h *hands, keycode byte) {
	if code, ok := evdev(keycode); ok && h.keys.release(code) {
		v.input(wire.Key{Code: code})
	}
}

func (v *view) button(h *hands, button byte, down bool, at image.Point) {
	v.point(at)
	if dx, dy, ok := wheel(button); ok {
		if down {
			v.input(wire.Wheel{DX: dx, DY: dy})
		}
		return
	}
	if realButton(button) {
		v.input(wire.Button{Button: button, Down: down})
	}
}

// focusOut lets everything go, as the releases will go to another window. It
// leaves out events that tell only of the pointer or a child.
func (v *view) focusOut(h *hands, e xproto.FocusOutEvent) {
	if e.Detail == xproto.NotifyDetailInferior || e.Detail == xproto.NotifyDetailPointer {
		return
	}
	h.keys.releaseAll()
	v.input(wire.Release{})
}

func (v *view) flushMotion(h *hands) {
	if h.motion != nil {
		v.glass.panWith(*h.motion)
		v.point(*h.motion)
		h.motion = nil
	}
}

// point sends the pointer's place.
func (v *view) point(at image.Point) {
	geo := v.glass.geo.Load()
	p := toSource(at, geo.origin, geo.picture)
	v.input(wire.Pointer{X: uint16(p.X), Y: uint16(p.Y)})
}

// input sends a message unless the view is for looking only.
func (v *view) input(m wire.Message) {
	if !v.viewOnly.Load() {
		v.send(m)
	}
}

// flushSize follows the window's newest size and, when a person chose it, asks
// the source to follow too.
func (v *view) flushSize(h *hands) {
	if h.size == nil {
		return
	}
	v.glass.setOuter(*h.size)
	h.size = nil
	geo := v.glass.geo.Load()
	inner := geo.outer.Sub(image.Pt(2*frame, 2*frame))
	if v.sizes.windowIs(inner, geo.picture) && !v.viewOnly.Load() {
		width, height := wireSize(inner)
		h.ask.ask(wire.Resize{Width: width, Height: height})
	}
}

func (v *view) clientMessage(e xproto.ClientMessageEvent) {
	if e.Type != v.win.atoms["WM_PROTOCOLS"] || len(e.Data.Data32) == 0 {
		return
	}
	switch xproto.Atom(e.Data.Data32[0]) {
	case v.win.atoms["WM_DELETE_WINDOW"]:
		v.closed()
	case v.win.atoms["_NET_WM_PING"]:
		e.Window = v.win.screen.Root
		v.win.toRoot(e)
	}
}

// followState follows the window manager into full screen and out of it.
func (v *view) followState() {
	full := v.win.isFull()
	v.win.grab(full)
	v.sizes.setFull(full)
	v.glass.setFull(full)
}
