package surface

import (
	"cmp"
	"image"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// maxWindows bounds what a host can open here.
const maxWindows = 128

// windowMessage takes what a host says about the windows of an app.
func (v *view) windowMessage(m wire.Message) error {
	switch m := m.(type) {
	case wire.On:
		v.turnTo(m.Window)
	case wire.Window:
		return v.window(m)
	case wire.Gone:
		return v.gone(m.Window)
	case wire.Icon:
		if p := v.pane(m.Window); p != nil {
			if values := iconPixels(m.PNG); values != nil {
				p.win.setIcon(values)
			}
		}
	}
	return nil
}

// turnTo makes the frame parts that follow those of a window.
func (v *view) turnTo(id uint32) {
	v.on = v.pane(id)
	if v.on != nil && v.on.stale {
		v.on = nil // it comes only after its window was told of
	}
}

// window takes a window that came or changed.
func (v *view) window(m wire.Window) error {
	if m.ID == 0 {
		return opError(fusion.ErrInvalid, "a window without a number", "update the host")
	}
	m = v.bounded(m)
	p := v.pane(m.ID)
	if p == nil {
		return v.open(m)
	}
	before := p.said.Swap(&m)
	if p.stale {
		v.resume(p, m)
	} else if !p.shown {
		v.prepare(p, m)
	} else if !p.popup() {
		v.follows(p, *before, m)
	} else if m.Flags&wire.Popup != 0 && rectOf(*before) != rectOf(m) {
		v.moves(p, m)
	}
	v.retitle(p, cmp.Or(m.Title, v.title))
	if before.Parent != m.Parent {
		v.relate(p)
	}
	if limitsOf(*before) != limitsOf(m) {
		p.win.limit(m, true)
	}
	if (before.Flags^m.Flags)&wire.SelfDecorated != 0 {
		p.win.decorate(m)
	}
	return nil
}

// bounded makes a window safe to show. A popup has no frame, so it must not
// look like the whole desktop.
func (v *view) bounded(m wire.Window) wire.Window {
	m.Width, m.Height = max(1, m.Width), max(1, m.Height)
	desk := v.desk().Size()
	if int(m.Width)*int(m.Height) > desk.X*desk.Y*3/4 {
		m.Flags &^= wire.Popup
	}
	return m
}

// rectOf is a window's place on the host's desktop.
func rectOf(m wire.Window) image.Rectangle {
	return image.Rect(0, 0, int(m.Width), int(m.Height)).Add(image.Pt(int(m.X), int(m.Y)))
}

// limitsOf are what WM_NORMAL_HINTS is made of.
func limitsOf(m wire.Window) [4]uint16 {
	return [4]uint16{m.MinWidth, m.MinHeight, m.MaxWidth, m.MaxHeight}
}

// open makes a new window. It is shown with its first frame, so that it never
// flashes empty; one that is minimized has none.
func (v *view) open(m wire.Window) error {
	if len(v.all()) >= maxWindows {
		return opError(fusion.ErrInvalid, "the app has too many windows", "")
	}
	popup := m.Flags&wire.Popup != 0
	size := rectOf(m).Size()
	p, err := v.newPane(m.ID, size, size, popup)
	if err != nil {
		return err
	}
	p.glass.corner = true
	p.said.Store(&m)
	p.places = newAccord(time.Now, rectOf(m))
	p.stands = newAccord(time.Now, m.Flags&stance)
	v.prepare(p, m)
	v.retitle(p, cmp.Or(m.Title, v.title))
	v.add(p)
	v.empty = time.Time{}
	v.relate(p)
	if m.Flags&wire.Minimized != 0 && !popup {
		return v.show(p)
	}
	return nil
}

// prepare says what a window is that is not shown yet: its manager takes that
// for the beginning. One in the corner that belongs to no other has no place of
// its own, and the manager finds one.
func (v *view) prepare(p *pane, m wire.Window) {
	if parent := v.beside(m); parent != nil && parent.shown && !parent.popup() {
		v.followPlace(parent, false) // it may have moved just now
	}
	at := rectOf(m).Add(v.offset(m))
	p.places.hostSays(rectOf(m))
	p.places.ask(at)
	p.places.put(at)
	p.stands.hostSays(m.Flags & stance)
	p.stands.put(m.Flags & stance)
	p.glass.setOuter(at.Size().Add(image.Pt(2*p.win.frame, 2*p.win.frame)))
	p.win.beginAs(m, at.Add(v.origin()), m.X != 0 || m.Y != 0 || m.Parent != 0)
}

// relate tells the window manager what belongs to what.
func (v *view) relate(p *pane) {
	for _, q := range v.all() {
		if q != p && p.said.Load().Parent == q.id {
			p.win.childOf(q.win)
		}
		if q != p && q.said.Load().Parent == p.id {
			q.win.childOf(p.win)
		}
	}
}

// gone takes a window away.
func (v *view) gone(id uint32) error {
	p := v.pane(id)
	if p == nil {
		return nil
	}
	err := v.remove(p)
	if len(v.all()) == 0 {
		v.empty, v.lastShut = time.Now(), p.shut.Load()
	}
	return err
}

// follows makes a window here as the host changed it there. Its state is first:
// the manager keeps the place that it has before for when it ends, and gives the
// place of one that is full or maximized.
func (v *view) follows(p *pane, before, m wire.Window) {
	_, stands := p.stands.both()
	led := p.stands.hostSays(m.Flags&stance) == follow
	if led {
		p.win.changeState(stands, m.Flags&stance)
	}
	v.followsPlace(p, before, m, led && before.Flags&filling != 0)
	if (before.Flags^m.Flags)&wire.Modal != 0 {
		p.win.changeState(before.Flags&wire.Modal, m.Flags&wire.Modal)
	}
	if m.Flags&^before.Flags&wire.Active != 0 {
		v.raise(p)
	}
}

// filling are the states whose place the manager gives.
const filling = wire.FullScreen | wire.Maximized

// followsPlace moves a window. When the host ends a state that fills the desktop,
// its place counts, whatever the manager here remembers; when this desktop does,
// the host hears of the place once the window rests.
func (v *view) followsPlace(p *pane, before, m wire.Window, ended bool) {
	if ended {
		p.places.yield()
	}
	verdict := p.places.hostSays(rectOf(m))
	switch {
	case m.Flags&filling != 0:
	case verdict == follow && v.takesOver(p, before, m):
	case ended, verdict == follow && !p.settling.Load():
		v.moves(p, m)
	case verdict != echo:
		p.contested.Store(verdict == contest)
		p.rest.ask(func() { v.rested(p) })
	}
}

// moves puts a window where the host has it, moved along with its parent.
func (v *view) moves(p *pane, m wire.Window) {
	at := rectOf(m).Add(v.offset(m))
	p.places.ask(at)
	if p.popup() {
		p.places.put(at)
		p.glass.setOuter(at.Size())
	}
	p.win.moveTo(at.Add(v.origin()))
}

// raise brings a window to the front that the host's app did, unless the person
// chose another one just now.
func (v *view) raise(p *pane) {
	focus := v.focus.Load()
	if p != focus && time.Since(time.Unix(0, v.focusAt.Load())) > answerTime {
		p.win.activate(v.userTime.Load())
	}
}

// resume goes on with a window after the connection was lost. It stays where
// it is here.
func (v *view) resume(p *pane, m wire.Window) {
	p.glass.begin()
	p.parts = parts{}
	v.retitle(p, cmp.Or(m.Title, v.title))
	p.stale = false
	if p.dismissed.Load() {
		if !v.viewOnly.Load() {
			v.send(wire.Shut{Window: p.id})
		}
		return
	}
	if here, tell := p.places.anew(rectOf(m)); tell {
		v.input(p, placeOf(p.id, here))
	}
	if here, tell := p.stands.anew(m.Flags & stance); tell {
		v.input(p, wire.State{Window: p.id, Flags: only(stance, here)})
	}
	if v.focus.Load() == p {
		v.tellFocus()
	}
}

// offset is how far the parent of a window stands here from where it stands at
// the host: what opens beside it there must open beside it here.
func (v *view) offset(m wire.Window) image.Point {
	parent := v.beside(m)
	if parent == nil {
		return image.Point{}
	}
	host, here := parent.places.both()
	return here.Min.Add(parent.glass.geo.Load().origin).Sub(host.Min)
}

// beside is the window that a window opens beside, or nil.
func (v *view) beside(m wire.Window) *pane {
	parent := v.pane(m.Parent)
	if parent == nil && m.Flags&wire.Popup != 0 {
		parent = v.focus.Load()
	}
	if parent == nil || parent.single() {
		return nil
	}
	return parent
}

// desk is what the host takes for its desktop.
func (v *view) desk() image.Rectangle {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.room.desk()
}

// origin is where the host's desktop begins on this display.
func (v *view) origin() image.Point { return v.desk().Min }

func (v *view) tellDesk() {
	width, height := wireSize(v.desk().Size())
	v.send(wire.Desk{Width: width, Height: height})
}

// placeOf says where a window is, as far as the wire can.
func placeOf(id uint32, r image.Rectangle) wire.Place {
	const least, most = -1 << 15, 1<<15 - 1
	width, height := wireSize(r.Size())
	return wire.Place{Window: id, X: int16(max(least, min(r.Min.X, most))), Y: int16(max(least, min(r.Min.Y, most))),
		Width: width, Height: height}
}
