package surface

import (
	"time"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// elsewhere says that an event tells only of the pointer or a child.
func elsewhere(detail byte) bool {
	switch detail {
	case xproto.NotifyDetailInferior, xproto.NotifyDetailPointer, xproto.NotifyDetailPointerRoot, xproto.NotifyDetailNone:
		return true
	}
	return false
}

func (v *view) focusIn(h *hands, e xproto.FocusInEvent) {
	if p := v.find(e.Event); p != nil && !p.popup() && !elsewhere(e.Detail) {
		h.focus = p
		if p.single() && p.sizes.isFull() && h.grabbed == nil {
			h.grabbed = p
			p.win.grab(true)
		}
	}
}

// focusOut lets everything go, as the releases will go to another window. A
// grab of the keyboard by another program, such as a manager that switches
// windows, is not yet a loss of the focus.
func (v *view) focusOut(h *hands, e xproto.FocusInEvent) {
	p := v.find(e.Event)
	if p == nil || elsewhere(e.Detail) {
		return
	}
	h.keys.releaseAll()
	v.input(p, wire.Release{})
	if e.Mode != xproto.NotifyModeGrab && h.focus == p {
		h.focus = nil
		v.ungrab(h)
		v.letMouseGo(h)
	}
}

// focusPause is how long no window must have the focus until the host hears
// that: on its way from one window to the next it is nowhere.
const focusPause = 100 * time.Millisecond

// flushFocus tells the host which window has the focus.
func (v *view) flushFocus(h *hands) {
	if h.focus != nil && v.pane(h.focus.id) != h.focus {
		h.focus = nil // it is gone
	}
	if v.focus.Swap(h.focus) == h.focus {
		return
	}
	v.clip.focus()
	if h.focus != nil {
		v.tellFocus()
	} else {
		v.unfocused.ask(v.tellFocus)
	}
}

// tellFocus tells the host which of an app's windows has the focus, if that is
// news.
func (v *view) tellFocus() {
	v.toldMu.Lock()
	defer v.toldMu.Unlock()
	before, now := v.told, v.focus.Load()
	if before == now {
		return
	}
	v.told = now
	v.focusAt.Store(time.Now().UnixNano())
	if before != nil && !before.single() {
		v.input(before, wire.State{Window: before.id, Flags: only(wire.Active, before.stands.hostHas())})
	}
	switch {
	case now == nil:
		v.clickBeside()
	case !now.single():
		v.input(now, wire.State{Window: now.id, Flags: only(wire.Active, now.stands.hostHas()|wire.Active)})
	}
}

// toldFocus notes which window the host takes to have the focus.
func (v *view) toldFocus(p *pane) {
	v.toldMu.Lock()
	defer v.toldMu.Unlock()
	v.told = p
}

// clickBeside closes the menus of a person who went to another program: a click
// there is none of ours, so the host is sent one beside all windows.
func (v *view) clickBeside() {
	if v.viewOnly.Load() {
		return
	}
	for _, p := range v.all() {
		if p.popup() {
			v.tellOver(0, wire.Button{Button: wire.LeftButton, Down: true}, wire.Button{Button: wire.LeftButton})
			return
		}
	}
}
