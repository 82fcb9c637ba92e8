package x11

import (
	"image"
	"strings"
	"unicode/utf8"
)

// Opcodes of the core protocol.
const (
	opCreateWindow           = 1
	opChangeWindowAttributes = 2
	opGetWindowAttributes    = 3
	opDestroyWindow          = 4
	opGetGeometry            = 14
	opQueryTree              = 15
	opInternAtom             = 16
	opGetProperty            = 20
	opSendEvent              = 25
	opGrabServer             = 36
	opUngrabServer           = 37
	opTranslateCoordinates   = 40
	opClearArea              = 61
	opQueryExtension         = 98
)

// Masks of events (the protocol's SETofEVENT).
const (
	structureNotify      = 1 << 17
	substructureNotify   = 1 << 19
	substructureRedirect = 1 << 20
	propertyChange       = 1 << 22
)

// Types of windows (EWMH _NET_WM_WINDOW_TYPE).
const (
	typeNormal = "_NET_WM_WINDOW_TYPE_NORMAL"
	typeSplash = "_NET_WM_WINDOW_TYPE_SPLASH"
)

func (c *Conn) atom(name string) (Atom, error) {
	if a, ok := c.atoms[name]; ok {
		return a, nil
	}
	body := order.AppendUint16(nil, uint16(len(name)))
	reply, err := c.ask(opInternAtom, 0, append(append(body, 0, 0), name...), 12)
	if err != nil {
		return 0, err
	}
	a := Atom(order.Uint32(reply[8:]))
	c.atoms[name] = a
	return a, nil
}

// property gives the first 64 KiB of a property; nil when the window has none.
func (c *Conn) property(w Window, name string) ([]byte, error) {
	a, err := c.atom(name)
	if err != nil {
		return nil, err
	}
	reply, err := c.ask(opGetProperty, 0, words(uint32(w), uint32(a), 0, 0, 16<<10), 32)
	if err != nil {
		return nil, err
	}
	return value(reply), nil
}

// value gives what a GetProperty reply holds.
func value(reply []byte) []byte {
	n := uint64(order.Uint32(reply[16:])) * uint64(reply[1]/8)
	return reply[32:min(uint64(len(reply)), 32+n)]
}

// longs reads 32-bit values.
func longs(data []byte) []uint32 {
	var all []uint32
	for ; len(data) >= 4; data = data[4:] {
		all = append(all, order.Uint32(data))
	}
	return all
}

// numbers gives a property as 32-bit values.
func (c *Conn) numbers(w Window, name string) ([]uint32, error) {
	data, err := c.property(w, name)
	return longs(data), err
}

// Observe makes changes of the root's and the windows' properties and of the
// root's size come as Changed.
func (c *Conn) Observe(windows ...Window) error {
	const eventMask = 1 << 11
	for _, w := range windows {
		mask := uint32(propertyChange)
		if w == c.Root {
			mask |= structureNotify
		}
		if err := c.send(opChangeWindowAttributes, 0, words(uint32(w), eventMask, mask), false); err != nil {
			return err
		}
	}
	return nil
}

// SetBackground fills the root window with a colour of 0xRRGGBB.
func (c *Conn) SetBackground(color uint32) error {
	const backPixel = 1 << 1
	if err := c.send(opChangeWindowAttributes, 0, words(uint32(c.Root), backPixel, color), false); err != nil {
		return err
	}
	return c.send(opClearArea, 0, words(uint32(c.Root), 0, 0), false)
}

// HasManager says whether a window manager is ready; ask again until it is.
// _NET_SUPPORTING_WM_CHECK comes early, and openbox loses requests that are made
// between it and its event loop (an app then waits 5 s, or for ever). So a window
// is made whose frame is asked for (_NET_REQUEST_FRAME_EXTENTS): the answer shows
// that requests are served.
func (c *Conn) HasManager() (bool, error) {
	c.call.Lock()
	check, err := c.numbers(c.Root, "_NET_SUPPORTING_WM_CHECK")
	c.call.Unlock()
	if err != nil || len(check) != 1 {
		return false, err
	}
	if c.probe == 0 {
		c.probe = Window(c.base)
		const inputOutput = 1
		body := words(uint32(c.probe), uint32(c.Root), 0, 1<<16|1, inputOutput<<16, 0, 0)
		if err := c.send(opCreateWindow, 0, body, false); err != nil {
			return false, err
		}
		if err := c.Observe(c.probe); err != nil {
			return false, err
		}
	}
	c.call.Lock()
	extents, err := c.numbers(c.probe, "_NET_FRAME_EXTENTS")
	c.call.Unlock()
	if err != nil {
		return false, err
	}
	if len(extents) != 4 {
		return false, c.tell(c.probe, "_NET_REQUEST_FRAME_EXTENTS")
	}
	return true, c.send(opDestroyWindow, 0, words(c.probe), false)
}

// Size gives the size of a window, without its border.
func (c *Conn) Size(w Window) (width, height int, err error) {
	c.call.Lock()
	defer c.call.Unlock()
	return c.size(w)
}

func (c *Conn) size(w Window) (width, height int, err error) {
	reply, err := c.ask(opGetGeometry, 0, words(w), 24)
	if err != nil {
		return 0, 0, err
	}
	return int(order.Uint16(reply[16:])), int(order.Uint16(reply[18:])), nil
}

// Client is a window that the window manager manages.
type Client struct {
	Window Window
	Title  string
	// Normal is false for dialogs, splash screens, tool windows and the like.
	Normal bool
	// Splash is a picture shown while a program starts.
	Splash        bool
	Active        bool
	Width, Height int
}

// Clients gives the managed windows, oldest first (EWMH _NET_CLIENT_LIST). One
// that goes away meanwhile is left out.
func (c *Conn) Clients() ([]Client, error) {
	c.call.Lock()
	defer c.call.Unlock()
	list, err := c.numbers(c.Root, "_NET_CLIENT_LIST")
	if err != nil {
		return nil, err
	}
	active, err := c.numbers(c.Root, "_NET_ACTIVE_WINDOW")
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{typeNormal, typeSplash} {
		if _, err := c.atom(kind); err != nil {
			return nil, err
		}
	}
	var all []Client
	for _, id := range list {
		client, err := c.client(Window(id))
		select {
		case <-c.done:
			return nil, err
		default:
		}
		if err != nil {
			continue // the window went away
		}
		client.Active = len(active) > 0 && active[0] == id
		all = append(all, client)
	}
	return all, nil
}

func (c *Conn) client(w Window) (Client, error) {
	client := Client{Window: w}
	var err error
	if client.Width, client.Height, err = c.size(w); err != nil {
		return client, err
	}
	if client.Title, err = c.title(w); err != nil {
		return client, err
	}
	kinds, err := c.numbers(w, "_NET_WM_WINDOW_TYPE")
	if err != nil {
		return client, err
	}
	leader, err := c.numbers(w, "WM_TRANSIENT_FOR")
	if err != nil {
		return client, err
	}
	client.Normal = len(kinds) == 0 && len(leader) == 0
	for _, kind := range kinds {
		switch Atom(kind) {
		case c.atoms[typeNormal]:
			client.Normal = true
		case c.atoms[typeSplash]:
			client.Splash = true
		}
	}
	return client, nil
}

// title gives the window's name on one line, as EWMH says, or as ICCCM does.
func (c *Conn) title(w Window) (string, error) {
	for _, name := range []string{"_NET_WM_NAME", "WM_NAME"} {
		text, err := c.property(w, name)
		if err != nil {
			return "", err
		}
		if len(text) > 0 {
			return cleanTitle(text), nil
		}
	}
	return "", nil
}

// cleanTitle makes text of Latin-1 or UTF-8 one line of at most 512 bytes.
func cleanTitle(text []byte) string {
	var b strings.Builder
	latin := !utf8.Valid(text)
	for i, r := range string(text) {
		if latin {
			r = rune(text[i])
		}
		if r < ' ' || r == 0x7f {
			r = ' '
		}
		if b.Len()+utf8.RuneLen(r) > 512 {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// CloseWindow asks a window to close, as its close button would.
func (c *Conn) CloseWindow(w Window) error {
	return c.tell(w, "_NET_CLOSE_WINDOW", 0, 2)
}

// Maximise makes a window fill the display, and Unmaximise gives it its own size.
func (c *Conn) Maximise(w Window) error   { return c.SetMaximised(w, true) }
func (c *Conn) Unmaximise(w Window) error { return c.SetMaximised(w, false) }

// Activate gives a window the focus, and brings it back if it was minimised.
func (c *Conn) Activate(w Window) error {
	return c.tell(w, "_NET_ACTIVE_WINDOW", pager, 0, 0)
}

// MoveTo puts a window's corner here.
func (c *Conn) MoveTo(w Window, corner image.Point) error {
	const northWest, x, y = 1, 1 << 8, 1 << 9
	return c.tell(w, "_NET_MOVERESIZE_WINDOW", northWest|x|y|pager<<12, number(corner.X), number(corner.Y))
}

// tell sends the window manager a message about a window (EWMH, root window
// messages).
func (c *Conn) tell(w Window, message string, data ...uint32) error {
	c.call.Lock()
	kind, err := c.atom(message)
	c.call.Unlock()
	if err != nil {
		return err
	}
	const clientMessage, format = 33, 32
	event := append([]byte{clientMessage, format, 0, 0}, words(uint32(w), uint32(kind))...)
	event = append(event, words(append(data, make([]uint32, 5-len(data))...)...)...)
	body := append(words(uint32(c.Root), substructureNotify|substructureRedirect), event...)
	return c.send(opSendEvent, 0, body, false)
}
