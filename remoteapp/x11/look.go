package x11

import (
	"image"
	"slices"
)

// Look is how a window stands and what it says of itself.
type Look struct {
	Place // where it is

	Title  string
	Limits Limits
	// Parent is the window it belongs to; 0 is none.
	Parent Window

	// Popup is what has no frame and takes no focus: menus, tooltips, splash
	// screens.
	Popup bool
	// SelfDecorated wants no title bar of a manager: it has its own, or none.
	SelfDecorated bool
	// Dialog belongs to another window, or is a tool of one.
	Dialog, Modal                             bool
	FullScreen, Maximised, Minimised, Focused bool
}

// Place is where a window is, in pixels of the display. Area is what of it is
// shown: with its border, without the shadow that it draws around itself.
// Inside counts the same from the corner inside the border, and Size is the
// window's without the border.
type Place struct {
	Area, Inside image.Rectangle
	Size         image.Point
}

// Of gives where the window's inside must be for area to be what is shown.
func (p Place) Of(area image.Rectangle) image.Rectangle {
	corner := area.Min.Sub(p.Inside.Min)
	return image.Rectangle{corner, corner.Add(area.Size()).Add(p.Size).Sub(p.Inside.Size())}
}

// SameShadow says whether as much of the window is not shown as in another place.
func (p Place) SameShadow(other Place) bool {
	return p.Inside.Min == other.Inside.Min && p.Size.Sub(p.Inside.Max) == other.Size.Sub(other.Inside.Max)
}

// Drawn says whether a window shows anything: some only take input.
func (c *Conn) Drawn(w Window) (bool, error) {
	c.call.Lock()
	defer c.call.Unlock()
	a, err := c.ask(opGetWindowAttributes, 0, words(w), 44)
	const inputOutput = 1
	return err == nil && order.Uint16(a[12:]) == inputOutput, err
}

// Place asks where a window is.
func (c *Conn) Place(w Window) (Place, error) {
	c.call.Lock()
	defer c.call.Unlock()
	reply, err := c.ask(opGetGeometry, 0, words(w), 24)
	if err != nil {
		return Place{}, err
	}
	size := image.Pt(int(order.Uint16(reply[16:])), int(order.Uint16(reply[18:])))
	border := int(order.Uint16(reply[20:]))
	extents, err := c.numbers(w, "_GTK_FRAME_EXTENTS")
	if err != nil {
		return Place{}, err
	}
	at, err := c.ask(opTranslateCoordinates, 0, words(uint32(w), uint32(c.Root), 0), 16)
	if err != nil {
		return Place{}, err
	}
	corner := image.Pt(int(int16(order.Uint16(at[12:]))), int(int16(order.Uint16(at[14:]))))
	inside := parseInset(size, border, extents)
	return Place{inside.Add(corner), inside, size}, nil
}

// Look asks a window for everything but its place.
func (c *Conn) Look(w Window) (look Look, err error) {
	c.call.Lock()
	defer c.call.Unlock()
	if look.Title, err = c.title(w); err != nil {
		return look, err
	}
	hints, err := c.numbers(w, "WM_NORMAL_HINTS")
	if err != nil {
		return look, err
	}
	look.Limits = parseHints(hints)
	parent, err := c.numbers(w, "WM_TRANSIENT_FOR")
	if err != nil {
		return look, err
	}
	if len(parent) > 0 && Window(parent[0]) != c.Root {
		look.Parent = Window(parent[0])
	}
	states, err := c.names(w, "_NET_WM_STATE")
	if err != nil {
		return look, err
	}
	look.states(states)
	kinds, err := c.names(w, "_NET_WM_WINDOW_TYPE")
	if err != nil {
		return look, err
	}
	look.kind(kinds, len(parent) > 0)
	motif, err := c.numbers(w, "_MOTIF_WM_HINTS")
	if err != nil {
		return look, err
	}
	extents, err := c.numbers(w, "_GTK_FRAME_EXTENTS")
	look.SelfDecorated = len(extents) == 4 || undecorated(motif)
	return look, err
}

// names gives a property of atoms by their names; only those that this client
// knows (see standard).
func (c *Conn) names(w Window, property string) ([]string, error) {
	numbers, err := c.numbers(w, property)
	var all []string
	for _, n := range numbers {
		if name, known := c.named[Atom(n)]; known {
			all = append(all, name)
		}
	}
	return all, err
}

// Names of states and types of windows (EWMH).
const (
	stateFull       = "_NET_WM_STATE_FULLSCREEN"
	stateHorizontal = "_NET_WM_STATE_MAXIMIZED_HORZ"
	stateVertical   = "_NET_WM_STATE_MAXIMIZED_VERT"
	stateHidden     = "_NET_WM_STATE_HIDDEN"
	stateModal      = "_NET_WM_STATE_MODAL"

	typeDialog  = "_NET_WM_WINDOW_TYPE_DIALOG"
	typeUtility = "_NET_WM_WINDOW_TYPE_UTILITY"
	typeToolbar = "_NET_WM_WINDOW_TYPE_TOOLBAR"
	typeMenu    = "_NET_WM_WINDOW_TYPE_MENU"
)

// popupTypes have no frame and take no focus.
var popupTypes = []string{typeSplash, "_NET_WM_WINDOW_TYPE_DOCK", "_NET_WM_WINDOW_TYPE_DROPDOWN_MENU",
	"_NET_WM_WINDOW_TYPE_POPUP_MENU", "_NET_WM_WINDOW_TYPE_TOOLTIP", "_NET_WM_WINDOW_TYPE_NOTIFICATION",
	"_NET_WM_WINDOW_TYPE_COMBO", "_NET_WM_WINDOW_TYPE_DND"}

// standard are the names that names can give.
var standard = append([]string{stateFull, stateHorizontal, stateVertical, stateHidden, stateModal,
	typeNormal, typeDialog, typeUtility, typeToolbar, typeMenu}, popupTypes...)

func (l *Look) states(names []string) {
	has := func(name string) bool { return slices.Contains(names, name) }
	l.FullScreen, l.Minimised, l.Modal = has(stateFull), has(stateHidden), has(stateModal)
	l.Maximised = has(stateHorizontal) && has(stateVertical)
}

// kind reads the types, most wanted first. A window without one that belongs to
// another is a dialog.
func (l *Look) kind(names []string, transient bool) {
	for _, name := range names {
		switch {
		case slices.Contains(popupTypes, name):
			l.Popup = true
			return
		case name == typeNormal:
			l.Dialog = transient
			return
		default:
			l.Dialog = true
			return
		}
	}
	l.Dialog = transient || l.Modal
}

// Icon gives a window's picture as PNG of at most 64 by 64 pixels and 16 KiB, or
// nil.
func (c *Conn) Icon(w Window) ([]byte, error) {
	c.call.Lock()
	a, err := c.atom("_NET_WM_ICON")
	if err != nil {
		c.call.Unlock()
		return nil, err
	}
	reply, err := c.ask(opGetProperty, 0, words(uint32(w), uint32(a), 0, 0, maxIconProperty), 32)
	c.call.Unlock()
	if err != nil {
		return nil, err
	}
	picture := parseIcons(longs(value(reply)))
	if picture == nil {
		return nil, nil
	}
	return encodeIcon(picture)
}
