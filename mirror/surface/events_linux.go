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
	keys    keyboard
	letters letters               // used if the view sends what keys type
	grabbed *pane                 // whose keyboard is grabbed
	motion  *motion               // newest, not yet sent
	mouse   *heldMouse            // nil while no screen holds it
	sizes   map[*pane]image.Point // newest sizes of windows, not yet followed
	moved   map[*pane]bool        // windows that may have moved
	states  map[*pane]bool        // windows whose manager changed them
	desk    bool                  // the desktop may have changed
	focus   *pane                 // which window has the focus here
	drag    *dragging             // nil while nothing is dragged over a window
}

// motion is a place of the pointer in a pane's area and on the display.
type motion struct {
	pane     *pane
	at, root image.Point
}

// events turns what the person does into messages until the display's
// connection ends. What is at hand is taken together: of several motions or
// sizes the newest counts.
func (v *view) events() {
	h := &hands{sizes: map[*pane]image.Point{}, moved: map[*pane]bool{}, states: map[*pane]bool{}}
	for {
		event, xerr := v.display.conn.WaitForEvent()
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
			event, xerr = v.display.conn.PollForEvent()
		}
		v.flush(h)
	}
}

// flush does what waited for the end of the events at hand.
func (v *view) flush(h *hands) {
	v.flushMotion(h)
	v.checkMouse(h)
	for p := range h.states {
		v.followState(h, p)
	}
	for p, size := range h.sizes {
		v.followSize(p, size)
	}
	for p := range h.moved {
		p.pace.ask(func() { v.followPlace(p, false) })
	}
	clear(h.states)
	clear(h.sizes)
	clear(h.moved)
	if h.desk {
		h.desk = false
		v.followDesk()
	}
	v.flushFocus(h)
}

func (v *view) event(h *hands, event xgb.Event) {
	if e, ok := event.(xproto.MotionNotifyEvent); ok {
		if p := v.find(e.Event); p != nil && e.Event == p.win.outer {
			v.frameMotion(p, e)
		} else if p != nil && h.mouse != nil && h.mouse.pane == p {
			h.mouse.moved(image.Pt(int(e.EventX), int(e.EventY)))
		} else if p != nil {
			if h.motion != nil && h.motion.pane != p {
				v.flushMotion(h)
			}
			h.motion = &motion{p, image.Pt(int(e.EventX), int(e.EventY)), image.Pt(int(e.RootX), int(e.RootY))}
		}
		return
	}
	v.flushMotion(h)
	switch e := event.(type) {
	case xproto.KeyPressEvent:
		p := v.keysGoTo(h, e.Event)
		v.keyPress(h, p, byte(e.Detail), e.State)
		v.used(p, uint32(e.Time))
	case xproto.KeyReleaseEvent:
		v.keyRelease(h, v.keysGoTo(h, e.Event), byte(e.Detail))
	case xproto.ButtonPressEvent:
		v.button(h, e, true)
		v.used(v.find(e.Event), uint32(e.Time))
	case xproto.ButtonReleaseEvent:
		v.button(h, xproto.ButtonPressEvent(e), false)
	case xproto.FocusInEvent:
		v.focusIn(h, e)
	case xproto.FocusOutEvent:
		v.focusOut(h, xproto.FocusInEvent(e))
	case xproto.ExposeEvent:
		if p := v.find(e.Window); p != nil {
			p.glass.exposed(image.Rect(int(e.X), int(e.Y), int(e.X)+int(e.Width), int(e.Y)+int(e.Height)))
		}
	case xproto.ConfigureNotifyEvent:
		v.configured(h, e)
	case xproto.PropertyNotifyEvent:
		v.propertyChanged(h, e)
	case xproto.DestroyNotifyEvent:
		if p := v.find(e.Window); p != nil && e.Window == p.win.outer { // by another program: nobody asked us
			p.gone.Store(true)
			v.closed(p)
		}
	case xproto.ClientMessageEvent:
		if !v.dropMessage(h, e) {
			v.clientMessage(e)
		}
	case xproto.SelectionNotifyEvent:
		v.dropped(h, e)
	}
}

// used notes when the person did something, and tells the window manager about
// once a second.
func (v *view) used(p *pane, time uint32) {
	const often = 1000 // ms
	if p != nil && time-v.userTime.Load() > often {
		p.win.touched(time)
	}
	v.userTime.Store(time)
}

func (v *view) configured(h *hands, e xproto.ConfigureNotifyEvent) {
	if e.Window == v.display.screen.Root {
		h.desk = true
		return
	}
	p := v.find(e.Window)
	if p == nil || e.Window != p.win.outer || p.popup() {
		return
	}
	h.sizes[p] = image.Pt(int(e.Width), int(e.Height))
	if !p.single() {
		h.moved[p] = true
	}
}

func (v *view) propertyChanged(h *hands, e xproto.PropertyNotifyEvent) {
	switch e.Atom {
	case v.display.atoms["_NET_WM_STATE"]:
		if p := v.find(e.Window); p != nil && !p.popup() {
			h.states[p] = true
		}
	case v.display.atoms["_NET_WORKAREA"], v.display.atoms["_NET_CURRENT_DESKTOP"]:
		h.desk = true
	}
}

// closed is the person's wish to have a window no more. One of an app is closed
// by its host, which may ask first; where nobody can be asked it goes here.
func (v *view) closed(p *pane) {
	switch {
	case p.single():
		v.send(wire.Bye{})
		v.end(errBye)
	case v.online() && !v.viewOnly.Load():
		p.shut.Store(true)
		v.send(wire.Shut{Window: p.id})
	default:
		v.dismiss(p)
	}
}

func (v *view) clientMessage(e xproto.ClientMessageEvent) {
	p := v.find(e.Window)
	if p == nil || e.Type != v.display.atoms["WM_PROTOCOLS"] || len(e.Data.Data32) == 0 {
		return
	}
	switch xproto.Atom(e.Data.Data32[0]) {
	case v.display.atoms["WM_DELETE_WINDOW"]:
		v.closed(p)
	case v.display.atoms["_NET_WM_PING"]:
		e.Window = v.display.screen.Root
		v.display.toRoot(e)
	}
}
