package surface

import (
	"image"

	"hither/mirror/wire"
)

// followSize follows a window's newest size and, when a person chose it, asks
// a screen to follow too.
func (v *view) followSize(p *pane, size image.Point) {
	p.glass.setOuter(size)
	v.overlay.place(p)
	if !p.single() {
		return
	}
	geo := p.glass.geo.Load()
	inner := geo.outer.Sub(image.Pt(2*frame, 2*frame))
	if p.sizes.windowIs(inner, geo.picture) && !v.viewOnly.Load() {
		width, height := wireSize(inner)
		p.pace.ask(func() { v.send(wire.Resize{Width: width, Height: height}) })
	}
}

// followPlace tells the host where the person or the desktop put a window.
func (v *view) followPlace(p *pane, rests bool) {
	v.placing.Lock()
	defer v.placing.Unlock()
	at, err := p.win.where(p.glass.border())
	if err != nil {
		return // it went away meanwhile
	}
	at = at.Sub(v.origin())
	_, before := p.places.both()
	_, stands := p.stands.both()
	if v.viewOnly.Load() || stands&wire.FullScreen != 0 { // which covers the host's desktop, however large that is
		p.places.put(at)
	} else if rests || !p.settling.Load() { // else there are steps on the way
		switch p.places.hereIs(at, rests) {
		case tell:
			v.tell(p, placeOf(p.id, at))
		case wait:
			p.rest.ask(func() { v.rested(p) })
		}
	}
	if by := at.Min.Sub(before.Min); by != (image.Point{}) {
		v.carry(p, by)
	}
}

// rested settles a window that its person has let go of: what the desktop made
// of the host's word is told, and a size that the host insists on is taken.
func (v *view) rested(p *pane) {
	if v.display.pressed() {
		p.rest.ask(func() { v.rested(p) })
		return
	}
	p.settling.Store(false)
	p.dragged.Store(false)
	v.learnRoom(p)
	v.followPlace(p, true)
	host, here := p.places.both()
	_, stands := p.stands.both()
	if p.contested.Swap(false) && stands == 0 && host.Size() != here.Size() {
		p.places.ask(image.Rectangle{Min: here.Min, Max: here.Min.Add(host.Size())})
		p.win.resizeTo(host.Size())
	}
}

// carry moves the menus of a window along with it.
func (v *view) carry(parent *pane, by image.Point) {
	for _, p := range v.all() {
		if p.popup() && p.said.Load().Parent == parent.id {
			at := p.here().Add(by)
			p.places.put(at)
			p.win.moveTo(at.Add(v.origin()))
			v.carry(p, by)
		}
	}
}

// followState follows the window manager: into full screen and out of it, and
// for an app's windows also when it maximizes or minimizes them.
func (v *view) followState(h *hands, p *pane) {
	flags := p.win.state()
	full := flags&wire.FullScreen != 0
	p.glass.setFull(full)
	if p.single() {
		if p.sizes.setFull(full) {
			v.fullKeys(h, p, full)
		}
		return
	}
	if v.viewOnly.Load() {
		p.stands.put(flags)
	} else if p.stands.hereIs(flags, true) == tell {
		if h.focus == p {
			flags |= wire.Active
		}
		v.tell(p, wire.State{Window: p.id, Flags: only(stance, flags)})
		p.settling.Store(true)
	}
	p.rest.ask(func() { v.rested(p) })
}

// fullKeys grabs the keyboard for a screen that is full: the window manager's
// keys are then the remote machine's.
func (v *view) fullKeys(h *hands, p *pane, full bool) {
	if !full {
		v.ungrab(h)
		return
	}
	h.grabbed = p
	p.win.grab(true)
	v.overlay.note(p, "Ctrl+Alt+Enter leaves full screen and gives the keyboard back")
}

// followDesk follows another work area.
func (v *view) followDesk() {
	work := v.display.workArea()
	v.setRoom(func(r *room) { r.work = work })
}

// learnRoom learns from a window that is maximized how large that is.
func (v *view) learnRoom(p *pane) {
	// One without the manager's title bar is larger than most.
	if _, here := p.stands.both(); here != wire.Maximized || p.said.Load().Flags&wire.SelfDecorated != 0 {
		return
	}
	if at, err := p.win.where(p.glass.border()); err == nil {
		v.setRoom(func(r *room) { r.learn(at) })
	}
}

// setRoom changes the host's desktop. It hears of that, and of the windows that
// have another place in it.
func (v *view) setRoom(change func(*room)) {
	v.mu.Lock()
	before := v.room.desk()
	change(&v.room)
	after := v.room.desk()
	v.mu.Unlock()
	if before == after || !v.windows.Load() {
		return
	}
	v.tellDesk()
	for _, p := range v.all() {
		if p.popup() {
			p.places.put(p.here().Add(before.Min).Sub(after.Min))
		} else {
			p.pace.ask(func() { v.followPlace(p, false) })
		}
	}
}

// dismiss hides a window whose host cannot be asked to close it. Without any
// window the view is over.
func (v *view) dismiss(p *pane) {
	p.dismissed.Store(true)
	p.win.hide()
	for _, q := range v.all() {
		if !q.dismissed.Load() && !q.popup() {
			return
		}
	}
	v.end(errBye)
}
