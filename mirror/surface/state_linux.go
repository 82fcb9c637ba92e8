package surface

import (
	"slices"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// stance are the flags of a window that both sides may change.
const stance = wire.FullScreen | wire.Maximized | wire.Minimized

// only says flags of which some count: the others stay as they are at the host,
// which may have changed them just now.
func only(which, flags wire.WindowFlags) wire.WindowFlags {
	const counts = 8 // how much higher the bit is that says so
	return which<<counts | flags&(stance|wire.Active)
}

// stateAtoms are the states of the Extended Window Manager Hints by flag.
var stateAtoms = []struct {
	flag  wire.WindowFlags
	atoms []string
}{
	{wire.FullScreen, []string{"_NET_WM_STATE_FULLSCREEN"}},
	{wire.Maximized, []string{"_NET_WM_STATE_MAXIMIZED_VERT", "_NET_WM_STATE_MAXIMIZED_HORZ"}},
	{wire.Modal, []string{"_NET_WM_STATE_MODAL"}},
}

// beginState sets the states of a window that is not shown yet.
func (w *window) beginState(flags wire.WindowFlags) {
	var atoms []uint32
	for _, s := range stateAtoms {
		if flags&s.flag != 0 {
			for _, name := range s.atoms {
				atoms = append(atoms, uint32(w.atoms[name]))
			}
		}
	}
	w.property32("_NET_WM_STATE", xproto.AtomAtom, atoms...)
	w.inputHints(flags&wire.Minimized != 0)
}

// changeState asks the window manager for the flags that differ between before
// and now.
func (w *window) changeState(before, now wire.WindowFlags) {
	for _, s := range stateAtoms {
		if (before^now)&s.flag == 0 {
			continue
		}
		const remove, add, fromApplication = 0, 1, 1
		data := []uint32{remove, uint32(w.atoms[s.atoms[0]]), 0, fromApplication}
		if now&s.flag != 0 {
			data[0] = add
		}
		if len(s.atoms) > 1 {
			data[2] = uint32(w.atoms[s.atoms[1]])
		}
		w.toManager(w.outer, "_NET_WM_STATE", data...)
	}
	switch {
	case (before^now)&wire.Minimized == 0:
	case now&wire.Minimized != 0:
		const iconicState = 3
		w.toManager(w.outer, "WM_CHANGE_STATE", iconicState)
	default:
		xproto.MapWindow(w.conn, w.outer)
	}
}

// toggleFull asks for full screen, or back.
func (w *window) toggleFull() {
	const toggle, fromApplication = 2, 1
	w.toManager(w.outer, "_NET_WM_STATE", toggle, uint32(w.atoms["_NET_WM_STATE_FULLSCREEN"]), 0, fromApplication)
}

// state reads how the window manager has the window.
func (w *window) state() wire.WindowFlags {
	values := w.cardinals(w.outer, "_NET_WM_STATE")
	has := func(name string) bool { return slices.Contains(values, uint32(w.atoms[name])) }
	var flags wire.WindowFlags
	if has("_NET_WM_STATE_FULLSCREEN") {
		flags |= wire.FullScreen
	}
	if has("_NET_WM_STATE_MAXIMIZED_VERT") && has("_NET_WM_STATE_MAXIMIZED_HORZ") {
		flags |= wire.Maximized
	}
	if has("_NET_WM_STATE_HIDDEN") {
		flags |= wire.Minimized
	}
	return flags
}

// activate asks for the focus; the time is that of the person's last key or
// button, by which the window manager judges.
func (w *window) activate(userTime uint32) {
	const fromApplication = 1
	w.toManager(w.outer, "_NET_ACTIVE_WINDOW", fromApplication, userTime)
}

// grab takes the keyboard, so that the window manager's keys reach the remote
// machine, or gives it back.
func (w *window) grab(take bool) {
	if !take {
		xproto.UngrabKeyboard(w.conn, xproto.TimeCurrentTime)
		return
	}
	// A refused grab (another program has one) costs only the manager's keys.
	xproto.GrabKeyboard(w.conn, true, w.outer, xproto.TimeCurrentTime,
		xproto.GrabModeAsync, xproto.GrabModeAsync)
}
