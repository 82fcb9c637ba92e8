package x11

import "maps"

// What is a bit for each part of a window that may have changed.
type What uint8

// Parts of a window.
const (
	Moved   What = 1 << iota // its place
	Renamed                  // what it says of itself
	Painted                  // its icon
	All     = Moved | Renamed | Painted
)

// maxWatched bounds how many windows changes and popups are kept of.
const maxWatched = 1024

// watch is what events told since the last Take.
type watch struct {
	changed map[Window]What
	listed  bool            // the managed windows or the focus
	popups  map[Window]bool // shown children of the root that no manager manages
	parts   map[Atom]What
}

// Watch makes the changes of windows be kept for Take, popups among them.
func (c *Conn) Watch() error {
	w := &watch{changed: map[Window]What{}, listed: true, popups: map[Window]bool{}, parts: map[Atom]What{}}
	c.call.Lock()
	defer c.call.Unlock()
	for name, part := range map[string]What{"_GTK_FRAME_EXTENTS": Moved | Renamed, "_MOTIF_WM_HINTS": Renamed, "_NET_WM_ICON": Painted,
		"_NET_WM_NAME": Renamed, "WM_NAME": Renamed, "WM_NORMAL_HINTS": Renamed, "WM_TRANSIENT_FOR": Renamed,
		"_NET_WM_STATE": Renamed, "_NET_WM_WINDOW_TYPE": Renamed} {
		a, err := c.atom(name)
		if err != nil {
			return err
		}
		w.parts[a] |= part
	}
	c.named = map[Atom]string{}
	for _, name := range standard {
		a, err := c.atom(name)
		if err != nil {
			return err
		}
		c.named[a] = name
	}
	c.mu.Lock()
	c.watch = w
	c.mu.Unlock()
	if err := c.send(opChangeWindowAttributes, 0, words(uint32(c.Root), 1<<11, structureNotify|substructureNotify|propertyChange), false); err != nil {
		return err
	}
	return c.findPopups()
}

// findPopups looks for those that are there already.
func (c *Conn) findPopups() error {
	reply, err := c.ask(opQueryTree, 0, words(c.Root), 32)
	if err != nil {
		return err
	}
	children := longs(reply[32:])
	for _, child := range children[:min(len(children), maxWatched)] {
		a, err := c.ask(opGetWindowAttributes, 0, words(child), 44)
		if err != nil {
			select {
			case <-c.done:
				return err
			default:
				continue // it went away
			}
		}
		const inputOutput, viewable = 1, 2
		if order.Uint16(a[12:]) == inputOutput && a[26] == viewable && a[27] != 0 {
			c.mu.Lock()
			c.watch.popups[Window(child)] = true
			c.mu.Unlock()
		}
	}
	return nil
}

// Events of the core protocol.
const (
	evDestroyNotify   = 17
	evUnmapNotify     = 18
	evMapNotify       = 19
	evReparentNotify  = 21
	evConfigureNotify = 22
	evPropertyNotify  = 28
)

// note keeps what an event says. The caller holds c.mu.
func (w *watch) note(root Window, b []byte) {
	at, window := Window(order.Uint32(b[4:])), Window(order.Uint32(b[8:]))
	switch b[0] & 0x7f {
	case evPropertyNotify:
		if at == root {
			w.listed = true
		} else if part := w.parts[Atom(order.Uint32(b[8:]))]; part != 0 {
			w.change(at, part)
		}
	case evConfigureNotify:
		w.change(window, Moved)
	case evMapNotify:
		if at == root && b[12] != 0 && len(w.popups) < maxWatched {
			w.popups[window] = true
		}
	case evUnmapNotify, evDestroyNotify, evReparentNotify:
		if at == root {
			delete(w.popups, window)
		}
		w.change(window, Moved)
	}
}

func (w *watch) change(window Window, part What) {
	if _, known := w.changed[window]; known || len(w.changed) < maxWatched {
		w.changed[window] |= part
	}
}

// Changes are what became different since the last Take.
type Changes struct {
	Windows map[Window]What
	// Listed: the managed windows or the focus.
	Listed bool
	// Popups are the windows that are shown now and not managed.
	Popups []Window
}

// Take gives what changed, after Watch.
func (c *Conn) Take() Changes {
	c.mu.Lock()
	defer c.mu.Unlock()
	changes := Changes{Windows: c.watch.changed, Listed: c.watch.listed}
	c.watch.changed, c.watch.listed = map[Window]What{}, false
	for w := range maps.Keys(c.watch.popups) {
		changes.Popups = append(changes.Popups, w)
	}
	return changes
}

// Follow makes changes of a window be kept.
func (c *Conn) Follow(w Window) error {
	return c.send(opChangeWindowAttributes, 0, words(uint32(w), 1<<11, structureNotify|propertyChange), false)
}

// Managed gives the managed windows, oldest first, and which has the focus
// (EWMH).
func (c *Conn) Managed() (windows []Window, active Window, err error) {
	c.call.Lock()
	defer c.call.Unlock()
	list, err := c.numbers(c.Root, "_NET_CLIENT_LIST")
	if err != nil {
		return nil, 0, err
	}
	for _, id := range list {
		windows = append(windows, Window(id))
	}
	focus, err := c.numbers(c.Root, "_NET_ACTIVE_WINDOW")
	if err == nil && len(focus) > 0 {
		active = Window(focus[0])
	}
	return windows, active, err
}

// Manager gives a window of the window manager's; 0 is none. It and its like
// (Sister) are no app's.
func (c *Conn) Manager() (Window, error) {
	c.call.Lock()
	defer c.call.Unlock()
	check, err := c.numbers(c.Root, "_NET_SUPPORTING_WM_CHECK")
	if err != nil || len(check) == 0 {
		return 0, err
	}
	return Window(check[0]), nil
}

// Sister says whether one client of the display made both windows.
func (c *Conn) Sister(a, b Window) bool { return uint32(a)&^c.mask == uint32(b)&^c.mask }
