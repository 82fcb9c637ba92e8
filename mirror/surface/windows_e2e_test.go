//go:build e2e && linux

package surface

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/res"
	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// plain is an ordinary window.
func plain(id uint32, title string, x, y, w, h int) wire.Window {
	return wire.Window{ID: id, X: int16(x), Y: int16(y), Width: uint16(w), Height: uint16(h), Title: title}
}

// runWindows shows an app's windows.
func runWindows(t *testing.T, d *desk, cfg Config) (*app, *running) {
	a, pipe := newApp(t)
	run := runView(t, d, pipe, cfg)
	a.expect(0, wire.Desk{Width: 1276, Height: 796})
	return a, run
}

// shows waits for a window of a title that shows the app's pixels.
func (a *app) shows(d *desk, title string, id uint32) (outer, area xproto.Window) {
	a.t.Helper()
	d.until("window "+title, func() bool { outer = d.window(title); return outer != 0 })
	area = d.inside(outer)
	d.untilShown("pixels of "+title, area, a.windows[id].picture)
	return outer, area
}

func (d *desk) inside(outer xproto.Window) xproto.Window {
	d.t.Helper()
	tree, err := xproto.QueryTree(d.conn, outer).Reply()
	if err != nil || len(tree.Children) != 1 {
		d.t.Fatalf("children of the window: %v %v", tree, err)
	}
	return tree.Children[0]
}

// numbers reads a property of 32-bit values.
func (d *desk) numbers(w xproto.Window, name string) []uint32 {
	reply, err := xproto.GetProperty(d.conn, false, w, d.atom(name), xproto.GetPropertyTypeAny, 0, 1<<16).Reply()
	if err != nil {
		return nil
	}
	var out []uint32
	for b := reply.Value; len(b) >= 4; b = b[4:] {
		out = append(out, binary.LittleEndian.Uint32(b))
	}
	return out
}

func (d *desk) hasState(w xproto.Window, name string) bool {
	for _, v := range d.numbers(w, "_NET_WM_STATE") {
		if v == uint32(d.atom(name)) {
			return true
		}
	}
	return false
}

// popups gives the windows that no manager has, newest last.
func (d *desk) popups() []xproto.Window {
	tree, err := xproto.QueryTree(d.conn, d.root).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	var out []xproto.Window
	for _, w := range tree.Children {
		attributes, err := xproto.GetWindowAttributes(d.conn, w).Reply()
		if err == nil && attributes.OverrideRedirect && attributes.MapState == xproto.MapStateViewable &&
			len(d.numbers(w, "_NET_WM_WINDOW_TYPE")) == 1 {
			out = append(out, w)
		}
	}
	return out
}

// another opens a window of another program, which takes the focus.
func (d *desk) another() {
	d.t.Helper()
	id, err := xproto.NewWindowId(d.conn)
	if err != nil {
		d.t.Fatal(err)
	}
	xproto.CreateWindow(d.conn, 24, id, d.root, 900, 500, 100, 100, 0, xproto.WindowClassInputOutput,
		xproto.Setup(d.conn).DefaultScreen(d.conn).RootVisual, 0, nil)
	if err := xproto.MapWindowChecked(d.conn, id).Check(); err != nil {
		d.t.Fatal(err)
	}
	d.until("another window to be managed", func() bool { return d.hasClient(id) })
	d.toManager(id, "_NET_ACTIVE_WINDOW", 2)
}

func (d *desk) hasClient(w xproto.Window) bool {
	for _, v := range d.numbers(d.root, "_NET_CLIENT_LIST") {
		if v == uint32(w) {
			return true
		}
	}
	return false
}

// corner is where the picture of a window of the view is on the display.
func (d *desk) corner(outer xproto.Window) image.Point { return d.place(d.inside(outer)) }

// toManager sends a window manager's message.
func (d *desk) toManager(w xproto.Window, kind string, data ...uint32) {
	d.t.Helper()
	values := make([]uint32, 5)
	copy(values, data)
	e := xproto.ClientMessageEvent{Format: 32, Window: w, Type: d.atom(kind), Data: xproto.ClientMessageDataUnionData32New(values)}
	if err := xproto.SendEventChecked(d.conn, false, d.root,
		xproto.EventMaskSubstructureNotify|xproto.EventMaskSubstructureRedirect, string(e.Bytes())).Check(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) configure(w xproto.Window, r image.Rectangle) {
	d.t.Helper()
	err := xproto.ConfigureWindowChecked(d.conn, w,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy())}).Check()
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestWindowsHaveTheirOwnPixelsAndHints(t *testing.T) {
	d := newDesk(t)
	a, run := runWindows(t, d, Config{Host: "nas", AppID: "editor"})
	main := plain(1, "One", 100, 120, 400, 300)
	main.MinWidth, main.MinHeight, main.MaxWidth, main.MaxHeight = 200, 100, 900, 700
	a.open(main)
	outer, _ := a.shows(d, "One — nas", 1)
	if at := d.corner(outer); at != image.Pt(102, 122) {
		t.Errorf("the picture stands at %v, want where the host has it", at)
	}
	if got := d.grab(outer).Pix[:3]; string(got) != "\x56\x34\x12" {
		t.Errorf("frame is %x, want the host's colour", got)
	}
	hints := d.numbers(outer, "WM_NORMAL_HINTS")
	if len(hints) != 18 || hints[5] != 204 || hints[6] != 104 || hints[7] != 904 || hints[8] != 704 {
		t.Errorf("size hints are %v", hints)
	}
	class, err := xproto.GetProperty(d.conn, false, outer, d.atom("WM_CLASS"), xproto.AtomString, 0, 64).Reply()
	if err != nil || string(class.Value) != "editor\x00editor\x00" {
		t.Errorf("class is %q %v", class.Value, err)
	}

	var icon bytes.Buffer
	picture := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	picture.Set(1, 0, color.NRGBA{1, 2, 3, 128})
	if err := png.Encode(&icon, picture); err != nil {
		t.Fatal(err)
	}
	a.write(wire.Icon{Window: 1, PNG: icon.Bytes()})
	d.until("the icon", func() bool {
		v := d.numbers(outer, "_NET_WM_ICON")
		return len(v) == 4 && v[0] == 2 && v[1] == 1 && v[3] == 0x80010203
	})

	a.open(plain(2, "Two", 600, 150, 300, 200))
	a.shows(d, "Two — nas", 2)
	dialog := plain(3, "Really?", 600, 450, 150, 80)
	dialog.Parent, dialog.Flags = 1, wire.Dialog|wire.Modal
	a.open(dialog)
	child, _ := a.shows(d, "Really? — nas", 3)
	if got := d.numbers(child, "WM_TRANSIENT_FOR"); len(got) != 1 || got[0] != uint32(outer) {
		t.Errorf("the dialog belongs to %v, want %v", got, outer)
	}
	if got := d.numbers(child, "_NET_WM_WINDOW_TYPE"); len(got) != 1 || got[0] != uint32(d.atom("_NET_WM_WINDOW_TYPE_DIALOG")) {
		t.Errorf("the dialog's type is %v", got)
	}
	if !d.hasState(child, "_NET_WM_STATE_MODAL") {
		t.Error("the dialog is not modal")
	}
	a.paint(1, 99)
	a.shows(d, "One — nas", 1)
	a.change(2, func(m *wire.Window) { m.Title = "Second" })
	a.shows(d, "Second — nas", 2)
	a.close(3)
	d.until("the dialog to go", func() bool { return d.window("Really? — nas") == 0 })
	a.write(wire.Closed{Reason: wire.Ended})
	run.ends(nil)
}

// TestFramesOfTwoWindowsAtOnce: a host may send them part by part in turns, and
// a window may go while its frame is under way.
func TestFramesOfTwoWindowsAtOnce(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	for id := uint32(1); id <= 3; id++ {
		a.say(plain(id, "w"+strconv.Itoa(int(id)), 30+int(id)*300-300, 50, 250, 200))
	}
	turns := []*appWindow{a.windows[1], a.windows[2], a.windows[3]}
	for i, w := range turns {
		w.picture = codec.NewPicture(250, 200)
		for at := range w.picture.Pix {
			w.picture.Pix[at] = byte(at*11 + i*77)
		}
		w.split.Start(keyFrame(w.picture, w.picture.Bounds()))
	}
	for i := 0; turns[0].split.More() || turns[1].split.More(); i++ {
		id := i%3 + 1
		if id == 3 && i > 10 {
			a.close(3)
			continue
		}
		if b := turns[id-1].split.Next(); b != nil {
			a.write(wire.On{Window: uint32(id)})
			if err := a.pipe.Write(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.shows(d, "w1", 1)
	a.shows(d, "w2", 2)
	if d.window("w3") != 0 {
		t.Error("the window that went is shown")
	}
}

func TestPopupsStandBesideTheirParent(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	// This host keeps its windows where they are, whatever it is told.
	a.fit = func(m wire.Window) wire.Window { m.X, m.Y = 100, 100; return m }
	a.open(plain(1, "parent", 100, 100, 400, 300))
	outer, _ := a.shows(d, "parent", 1)
	d.configure(outer, image.Rect(0, 0, 404, 304).Add(image.Pt(350, 250)))
	d.until("the parent's new place", func() bool { return d.corner(outer) == image.Pt(352, 252) })
	a.wait("place", func(h heard) bool { p, ok := h.m.(wire.Place); return ok && p.X == 350 && p.Y == 250 })

	menu := plain(2, "", 110, 120, 120, 160)
	menu.Parent, menu.Flags = 1, wire.Popup
	a.open(menu)
	var popups []xproto.Window
	d.until("the menu", func() bool { popups = d.popups(); return len(popups) == 1 })
	if at := d.place(popups[0]); at != image.Pt(362, 272) {
		t.Errorf("the menu stands at %v, want beside its parent at 362,272", at)
	}
	d.until("the menu's pixels", func() bool { return d.grab(d.inside(popups[0])).Equal(a.windows[2].picture) })

	sub := plain(3, "", 230, 140, 80, 60)
	sub.Parent, sub.Flags = 2, wire.Popup
	a.open(sub)
	d.until("the submenu", func() bool { popups = d.popups(); return len(popups) == 2 })
	if at := d.place(popups[1]); at != image.Pt(482, 292) {
		t.Errorf("the submenu stands at %v, want 482,292", at)
	}
	d.configure(outer, image.Rect(0, 0, 404, 304).Add(image.Pt(310, 230)))
	d.until("the menus to move along", func() bool {
		return d.place(popups[0]) == image.Pt(322, 252) && d.place(popups[1]) == image.Pt(442, 272)
	})
	a.change(2, func(m *wire.Window) { m.Y += 10; m.Height += 20 })
	a.paint(2, 1)
	d.until("the menu's new place", func() bool {
		return d.place(popups[0]) == image.Pt(322, 262) && d.grab(d.inside(popups[0])).Equal(a.windows[2].picture)
	})
	if got := d.corner(outer); got != image.Pt(312, 232) {
		t.Errorf("the parent went to %v", got)
	}
}

func TestAPopupIsNotTheDesktop(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{Host: "nas"})
	fake := plain(1, "Log in", 0, 0, 1270, 790)
	fake.Flags = wire.Popup
	a.open(fake)
	d.until("a framed window", func() bool { return d.window("Log in — nas") != 0 })
	if len(d.popups()) != 0 {
		t.Error("a window without a frame covers the desktop")
	}
}

func TestMovesGoBothWaysOnce(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	a.open(plain(1, "moves", 100, 100, 300, 200))
	outer, area := a.shows(d, "moves", 1)
	quiet := func(what string, places int) {
		t.Helper()
		a.quiesce()
		if got := a.heardPlaces(); got > places {
			t.Errorf("%s: the host heard %d places, want at most %d", what, got, places)
		}
		if said, at := a.said(1), d.corner(outer); at != image.Pt(int(said.X)+frame, int(said.Y)+frame) {
			t.Errorf("%s: it is at %v here and at %d,%d there", what, at, said.X, said.Y)
		}
	}
	quiet("opened", 0)

	// The app moves and resizes it, again and again.
	for i := range 20 {
		a.change(1, func(m *wire.Window) { m.X, m.Y, m.Width = int16(100+i*7), int16(100+i*5), uint16(300+i) })
	}
	d.until("the host's place", func() bool { return d.corner(outer) == image.Pt(235, 197) })
	a.paint(1, 3)
	d.until("pixels", func() bool { g := d.grab(area); return g.Equal(a.windows[1].picture) })
	quiet("moved by the app", 0)

	// The person drags it.
	for i := range 25 {
		d.configure(outer, image.Rect(0, 0, 304+i*4, 204+i*2).Add(image.Pt(202+i*9, 152+i*6)))
		time.Sleep(10 * time.Millisecond) // as fast as a hand
	}
	a.wait("the last place", func(h heard) bool {
		return h.m == wire.Message(wire.Place{Window: 1, X: 418, Y: 296, Width: 396, Height: 248})
	})
	quiet("dragged", 26)

	// The host insists on whole cells of 10×20: it gets them once the hand rests.
	a.mu.Lock()
	a.fit = func(m wire.Window) wire.Window {
		m.Width, m.Height = m.Width/10*10, m.Height/20*20
		return m
	}
	a.places = 0
	a.mu.Unlock()
	d.configure(outer, image.Rect(0, 0, 304+33, 204+17).Add(image.Pt(200, 150)))
	a.wait("the size", func(h heard) bool { p, ok := h.m.(wire.Place); return ok && p.Width == 333 })
	d.until("the host's size", func() bool { g := d.grab(area); return g.Width == 330 && g.Height == 200 })
	quiet("fitted", 3)
}

// quiesce waits until nothing was said for a second.
func (a *app) quiesce() {
	a.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case h, open := <-a.heard:
			if !open {
				a.t.Fatalf("pipe ended: %#v", h)
			}
		case <-time.After(time.Second):
			return
		}
	}
	a.t.Fatal("the viewer never rests")
}

func TestStatesGoBothWays(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	a.open(plain(1, "states", 100, 100, 300, 200))
	outer, _ := a.shows(d, "states", 1)
	a.wait("the focus", func(h heard) bool {
		return h.m == wire.Message(wire.State{Window: 1, Flags: only(wire.Active, wire.Active)})
	})
	wait := func(flags wire.WindowFlags) {
		t.Helper()
		a.wait("state", func(h heard) bool { return h.m == wire.Message(wire.State{Window: 1, Flags: only(stance, flags)}) }, flags)
		a.change(1, func(m *wire.Window) { m.Flags = flags })
	}
	const remove, add = 0, 1
	vert, horz := uint32(d.atom("_NET_WM_STATE_MAXIMIZED_VERT")), uint32(d.atom("_NET_WM_STATE_MAXIMIZED_HORZ"))
	full := uint32(d.atom("_NET_WM_STATE_FULLSCREEN"))
	d.toManager(outer, "_NET_WM_STATE", add, vert, horz, 1)
	wait(wire.Maximized | wire.Active)
	d.toManager(outer, "_NET_WM_STATE", remove, vert, horz, 1)
	wait(wire.Active)
	d.toManager(outer, "_NET_WM_STATE", add, full, 0, 1)
	wait(wire.FullScreen | wire.Active)
	d.toManager(outer, "_NET_WM_STATE", remove, full, 0, 1)
	wait(wire.Active)
	d.toManager(outer, "WM_CHANGE_STATE", 3)
	a.wait("minimized", func(h heard) bool {
		s, ok := h.m.(wire.State)
		return ok && s.Flags&wire.Minimized != 0
	})
	a.change(1, func(m *wire.Window) { m.Flags = wire.Minimized })
	a.quiesce()

	// The app does the same.
	step := func(flags wire.WindowFlags, state string, on bool) {
		t.Helper()
		a.change(1, func(m *wire.Window) { m.Flags = flags })
		d.until(state, func() bool { return d.hasState(outer, state) == on })
		a.quiesce()
	}
	step(0, "_NET_WM_STATE_HIDDEN", false)
	step(wire.Maximized, "_NET_WM_STATE_MAXIMIZED_VERT", true)
	step(0, "_NET_WM_STATE_MAXIMIZED_VERT", false)
	step(wire.FullScreen, "_NET_WM_STATE_FULLSCREEN", true)
	step(0, "_NET_WM_STATE_FULLSCREEN", false)
	step(wire.Minimized, "_NET_WM_STATE_HIDDEN", true)
}

// TestAnAppsFullScreenGivesThePlaceBack: the host tells state and place at once,
// and its desktop may be smaller than this one.
func TestAnAppsFullScreenGivesThePlaceBack(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	a.open(plain(1, "film", 100, 120, 300, 200))
	outer, area := a.shows(d, "film", 1)
	for i := range 4 {
		a.change(1, func(m *wire.Window) {
			m.Flags, m.X, m.Y, m.Width, m.Height = wire.FullScreen, 0, 0, 1200, 700
		})
		d.until("full screen", func() bool { return d.hasState(outer, "_NET_WM_STATE_FULLSCREEN") })
		a.quiesce()
		if i%2 == 0 { // a step on the way
			a.change(1, func(m *wire.Window) { m.Flags, m.X, m.Y, m.Width, m.Height = 0, 97, 120, 306, 203 })
		}
		a.change(1, func(m *wire.Window) { m.Flags, m.X, m.Y, m.Width, m.Height = 0, 100, 120, 300, 200 })
		d.until("its own size", func() bool { g := d.grab(area); return g.Width == 300 && g.Height == 200 })
		a.quiesce()
		if at, said := d.corner(outer), a.said(1); at != image.Pt(102, 122) || said.Width != 300 || said.X != 100 {
			t.Fatalf("it came back at %v here, and at the host as %+v", at, said)
		}
	}
}

// TestMaximizedFillsTheHostsDesktop: the host hears how large a window is that
// is maximized here, and takes that for its desktop: its own is then as large.
func TestMaximizedFillsTheHostsDesktop(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	a.open(plain(1, "large", 100, 100, 300, 200))
	outer, area := a.shows(d, "large", 1)
	const add = 1
	d.toManager(outer, "_NET_WM_STATE", add, uint32(d.atom("_NET_WM_STATE_MAXIMIZED_VERT")), uint32(d.atom("_NET_WM_STATE_MAXIMIZED_HORZ")), 1)
	var desk wire.Desk
	a.wait("another desktop", func(h heard) bool {
		var ok bool
		desk, ok = h.m.(wire.Desk)
		return ok
	})
	if got := d.grab(area); got.Width != int(desk.Width) || got.Height != int(desk.Height) || desk.Height > 790 {
		t.Errorf("the window shows %d×%d, the desktop is %d×%d", got.Width, got.Height, desk.Width, desk.Height)
	}
	a.wait("its place", func(h heard) bool {
		return h.m == wire.Message(wire.Place{Window: 1, Width: desk.Width, Height: desk.Height})
	})
	a.quiesce()
	a.paint(1, 5)
	d.untilShown("pixels", area, a.windows[1].picture)
}

// TestChangesBeforeItIsShown: a window may change before its first frame.
func TestChangesBeforeItIsShown(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	first := plain(1, "early", 0, 0, 1276, 796)
	first.Flags = wire.Maximized
	a.say(first)
	a.change(1, func(m *wire.Window) { *m = plain(1, "early", 200, 150, 300, 200) })
	a.paint(1, 1)
	outer, _ := a.shows(d, "early", 1)
	if d.hasState(outer, "_NET_WM_STATE_MAXIMIZED_VERT") || d.corner(outer) != image.Pt(202, 152) {
		t.Errorf("it is maximized, or at %v", d.corner(outer))
	}
	a.quiesce()
	if n := a.heardPlaces(); n != 0 {
		t.Errorf("the host heard %d places", n)
	}
}

func TestInputGoesToItsWindow(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	a.open(plain(1, "first", 50, 60, 300, 200))
	a.shows(d, "first", 1)
	a.open(plain(2, "second", 500, 60, 300, 200))
	second, _ := a.shows(d, "second", 2)
	a.wait("the focus", func(h heard) bool {
		return h.m == wire.Message(wire.State{Window: 2, Flags: only(wire.Active, wire.Active)})
	})
	const keyA = 30
	d.key(keyA, true)
	a.expect(2, wire.Key{Code: keyA, Down: true})
	d.key(keyA, false)
	a.expect(2, wire.Key{Code: keyA})
	d.fake(xproto.MotionNotify, 0, 62, 82)
	a.expect(1, wire.Pointer{X: 10, Y: 20})

	// A menu: pressed in its parent, dragged through, let go over an entry.
	d.fake(xproto.MotionNotify, 0, 512, 72)
	a.expect(2, wire.Pointer{X: 10, Y: 10})
	d.fake(xproto.ButtonPress, 1, 0, 0)
	a.expect(2, wire.Button{Button: 1, Down: true})
	menu := plain(3, "", 505, 75, 100, 120)
	menu.Parent, menu.Flags = 2, wire.Popup
	a.open(menu)
	d.until("the menu", func() bool { return len(d.popups()) == 1 })
	d.fake(xproto.MotionNotify, 0, 527, 107)
	a.expect(3, wire.Pointer{X: 20, Y: 30})
	d.fake(xproto.ButtonRelease, 1, 0, 0)
	a.expect(3, wire.Button{Button: 1})
	d.key(keyA, true) // the window keeps the keyboard
	a.expect(2, wire.Key{Code: keyA, Down: true})

	// The person goes to another program while the menu is open.
	d.another()
	a.expect(2, wire.Release{})
	a.wait("no focus", func(h heard) bool { return h.m == wire.Message(wire.State{Window: 2, Flags: only(wire.Active, 0)}) })
	a.expect(0, wire.Button{Button: 1, Down: true})
	a.expect(0, wire.Button{Button: 1})
	d.key(keyA, false)
	a.close(3)
	d.until("the menu to go", func() bool { return len(d.popups()) == 0 })

	// The app brings its first window to the front, as the person is in it.
	d.toManager(second, "_NET_ACTIVE_WINDOW", 2)
	a.wait("the focus", func(h heard) bool {
		return h.m == wire.Message(wire.State{Window: 2, Flags: only(wire.Active, wire.Active)})
	})
}

func TestClosingTheLastWindow(t *testing.T) {
	for _, stays := range []bool{false, true} {
		t.Run(map[bool]string{false: "the app ends", true: "the app stays"}[stays], func(t *testing.T) {
			d := newDesk(t)
			a, run := runWindows(t, d, Config{})
			a.open(plain(1, "one", 50, 60, 200, 100))
			a.open(plain(2, "two", 450, 60, 200, 100))
			one, _ := a.shows(d, "one", 1)
			two, _ := a.shows(d, "two", 2)
			d.deleteWindow(one)
			a.wait("shut", func(h heard) bool { return h.m == wire.Message(wire.Shut{Window: 1}) })
			a.close(1)
			d.until("it to go", func() bool { return d.window("one") == 0 })
			d.deleteWindow(two)
			a.wait("shut", func(h heard) bool { return h.m == wire.Message(wire.Shut{Window: 2}) })
			a.close(2)
			if stays { // without a window: its person wanted it to end
				a.wait("bye", func(h heard) bool { return h.m == wire.Message(wire.Bye{}) })
			} else {
				a.write(wire.Closed{Reason: wire.Ended})
			}
			run.ends(nil)
		})
	}
}

func TestWindowsOfALostHost(t *testing.T) {
	d := newDesk(t)
	a, pipe := newApp(t)
	b, pipe2 := newApp(t)
	gate := make(chan struct{})
	run := runView(t, d, pipe, Config{Host: "nas", Reopen: func(ctx context.Context) (fusion.Pipe, error) {
		select {
		case <-gate:
			return pipe2, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	a.open(plain(1, "stays", 100, 100, 300, 200))
	a.open(plain(2, "goes", 500, 100, 200, 200))
	outer, area := a.shows(d, "stays — nas", 1)
	a.shows(d, "goes — nas", 2)
	menu := plain(3, "", 110, 110, 50, 50)
	menu.Parent, menu.Flags = 1, wire.Popup
	a.open(menu)
	d.until("the menu", func() bool { return len(d.popups()) == 1 })
	d.configure(outer, image.Rect(0, 0, 304, 204).Add(image.Pt(150, 350)))
	a.wait("place", func(h heard) bool { p, ok := h.m.(wire.Place); return ok && p.X == 150 && p.Y == 350 })

	if err := a.pipe.Close(); err != nil {
		t.Fatal(err)
	}
	d.until("the offline title", func() bool { return d.title(outer) == "stays — nas"+offlineSuffix })
	d.until("the menu to go", func() bool { return len(d.popups()) == 0 })
	darken(a.windows[1].picture.Pix)
	d.untilShown("the dimmed picture", area, a.windows[1].picture)
	close(gate)
	b.expect(0, wire.Desk{Width: 1276, Height: 796})
	b.say(plain(1, "stays", 100, 100, 300, 200)) // where it began
	b.wait("its place here", func(h heard) bool {
		return h.m == wire.Message(wire.Place{Window: 1, X: 150, Y: 350, Width: 300, Height: 200})
	})
	b.wait("the focus", func(h heard) bool {
		s, ok := h.m.(wire.State)
		return ok && s.Flags == only(wire.Active, wire.Active)
	})
	b.paint(1, 7)
	if same, _ := b.shows(d, "stays — nas", 1); same != outer {
		t.Error("the window is another one")
	}
	b.open(plain(4, "comes", 700, 300, 100, 100))
	b.shows(d, "comes — nas", 4)
	d.until("the window that is no more to go", func() bool {
		return d.window("goes — nas") == 0 && d.window("goes — nas"+offlineSuffix) == 0
	})
	if at := d.corner(outer); at != image.Pt(152, 352) {
		t.Errorf("the window went to %v", at)
	}
	d.key(30, true)
	b.wait("a key", func(h heard) bool { return h.m == wire.Message(wire.Key{Code: 30, Down: true}) })
	d.key(30, false)
	b.write(wire.Closed{Reason: wire.Ended})
	run.ends(nil)
}

func TestClosingWindowsOfALostHost(t *testing.T) {
	d := newDesk(t)
	a, pipe := newApp(t)
	run := runView(t, d, pipe, Config{Reopen: func(context.Context) (fusion.Pipe, error) { return nil, fusion.ErrOffline }})
	a.open(plain(1, "one", 50, 60, 200, 100))
	a.open(plain(2, "two", 450, 60, 200, 100))
	one, _ := a.shows(d, "one", 1)
	two, _ := a.shows(d, "two", 2)
	if err := a.pipe.Close(); err != nil {
		t.Fatal(err)
	}
	d.until("offline", func() bool { return d.title(two) == "two"+offlineSuffix })
	d.deleteWindow(one)
	d.until("it to go", func() bool { return d.window("one"+offlineSuffix) == 0 })
	d.deleteWindow(two)
	run.ends(nil)
}

// shmSegments counts the shared memory of this computer that this user made.
func shmSegments(t *testing.T) int {
	b, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	pid, n := os.Getpid(), 0
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) > 4 && f[4] == strconv.Itoa(pid) {
			n++
		}
	}
	return n
}

// resources counts what an X client owns.
func (d *desk) resources(w xproto.Window) (n int) {
	reply, err := res.QueryClientResources(d.conn, uint32(w)).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, one := range reply.Types {
		n += int(one.Count)
	}
	return n
}

func TestManyWindowsLeaveNothing(t *testing.T) {
	d := newDesk(t)
	if err := useExtension(d.conn, "X-Resource"); err != nil {
		t.Fatal(err)
	}
	a, run := runWindows(t, d, Config{})
	a.open(plain(1, "stays", 10, 30, 200, 100))
	outer, _ := a.shows(d, "stays", 1)
	count := func() (resources, segments, routines int) {
		return d.resources(outer), shmSegments(t), runtime.NumGoroutine()
	}
	const many = 30
	id := uint32(2)
	round := func() {
		first := id
		for range many {
			m := plain(id, "w", 20+int(id)%500, 40, 100, 80)
			if id%3 == 0 {
				m.Flags, m.Parent = wire.Popup, 1
			}
			a.open(m)
			a.windows[id].cursor(a, id)
			id++
		}
		d.until("all windows", func() bool { return shmSegments(t) >= many })
		for gone := first; gone < id; gone++ {
			a.close(gone)
		}
		d.until("none", func() bool { return shmSegments(t) == 1 && d.window("w") == 0 && len(d.popups()) == 0 })
	}
	a.windows[1].cursor(a, 1)
	a.quiesce()
	resources, segments, routines := count()
	for range 4 {
		round()
	}
	var r, s, g int
	defer func() {
		t.Logf("before: %d resources, %d pieces of shared memory, %d goroutines; after: %d, %d, %d", resources, segments, routines, r, s, g)
	}()
	d.until("what was before", func() bool {
		r, s, g = count()
		return r <= resources && s == segments && g <= routines
	})
	a.write(wire.Closed{Reason: wire.Ended})
	run.ends(nil)
	if n := shmSegments(t); n != 0 {
		t.Errorf("%d pieces of shared memory are left", n)
	}
}

// cursor sends a cursor for a window.
func (w *appWindow) cursor(a *app, id uint32) {
	frame := []byte{0}
	frame = append(frame, byte(w.picture.Width>>8), byte(w.picture.Width), byte(w.picture.Height>>8), byte(w.picture.Height))
	frame = append(frame, 6, 0, 0, 0, 0, 0, 1, 0, 1, 255, 0, 0, 255)
	seq := w.split.Start(frame)
	a.write(wire.On{Window: id})
	if err := a.pipe.Write(w.split.Next()); err != nil {
		a.t.Fatal(err)
	}
	a.expect(id, wire.Ack{Seq: seq})
}
