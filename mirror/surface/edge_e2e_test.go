//go:build e2e && linux

package surface

import (
	"image"
	"slices"
	"testing"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// bare is a window that draws its own title bar.
func bare(id uint32, title string, x, y, w, h int) wire.Window {
	m := plain(id, title, x, y, w, h)
	m.Flags = wire.SelfDecorated
	return m
}

// extents is what the manager puts around a window: left, right, top, bottom.
func (d *desk) extents(w xproto.Window) []uint32 { return d.numbers(w, "_NET_FRAME_EXTENTS") }

func (d *desk) titled(w xproto.Window) bool {
	e := d.extents(w)
	return len(e) == 4 && e[2] > 4
}

func TestAWindowWithATitleBarOfItsOwnGetsNoOther(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{Host: "nas"})
	a.open(plain(1, "plain", 100, 100, 200, 150))
	outer, _ := a.shows(d, "plain — nas", 1)
	d.until("the manager's title bar", func() bool { return d.titled(outer) })
	a.open(bare(2, "bare", 400, 100, 200, 150))
	other, _ := a.shows(d, "bare — nas", 2)
	if e := d.extents(other); len(e) != 4 || e[0]+e[1]+e[2]+e[3] != 0 {
		t.Errorf("the manager puts %v around it", e)
	}
	if got := d.grab(other).Pix[:3]; string(got) != "\x56\x34\x12" {
		t.Errorf("frame is %x, want the host's colour", got)
	}
	a.change(2, func(m *wire.Window) { m.Flags = 0 })
	d.until("a title bar", func() bool { return d.titled(other) })
	a.change(2, func(m *wire.Window) { m.Flags = wire.SelfDecorated })
	d.until("no title bar", func() bool { return !d.titled(other) })
}

// TestTheTitleBarOfTheAppMovesTheWindow: the host's desktop moves it with the
// pointer that it is sent, as it does on _NET_WM_MOVERESIZE, and this one goes on.
func TestTheTitleBarOfTheAppMovesTheWindow(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	a.open(bare(1, "bare", 100, 120, 300, 200))
	outer, _ := a.shows(d, "bare", 1)
	press := func(x, y int) {
		t.Helper()
		d.fake(xproto.MotionNotify, 0, x, y)
		d.fake(xproto.ButtonPress, 1, 0, 0)
		a.wait("a press", func(h heard) bool { return h.m == wire.Message(wire.Button{Button: 1, Down: true}) })
	}
	drag := func(to image.Point, from image.Point) {
		t.Helper()
		for i := 1; i <= 20; i++ {
			at := from.Add(to.Sub(from).Mul(i).Div(20))
			d.fake(xproto.MotionNotify, 0, at.X, at.Y)
		}
	}
	last := func(what string, want wire.Place) {
		t.Helper()
		d.until(what, func() bool {
			s := a.said(1)
			return wire.Place{Window: 1, X: s.X, Y: s.Y, Width: s.Width, Height: s.Height} == want
		})
		a.quiesce()
		if at := d.corner(outer); at != image.Pt(int(want.X)+frame, int(want.Y)+frame) {
			t.Errorf("%s: it is at %v here, at the host %+v", what, at, want)
		}
	}

	press(202, 132)
	a.change(1, func(m *wire.Window) { m.X, m.Y = 103, 121 })
	a.wait("the button is let go there", func(h heard) bool { return h.m == wire.Message(wire.Button{Button: 1}) })
	drag(image.Pt(452, 332), image.Pt(202, 132))
	a.change(1, func(m *wire.Window) { m.X, m.Y = 105, 123 }) // its desktop has not heard yet
	d.until("it moves with the pointer", func() bool { return d.corner(outer) == image.Pt(352, 322) })
	d.fake(xproto.ButtonRelease, 1, 0, 0)
	last("moved", wire.Place{Window: 1, X: 350, Y: 320, Width: 300, Height: 200})

	// The app has handles in its corners, too.
	press(352+298, 322+197)
	a.change(1, func(m *wire.Window) { m.Width, m.Height = 301, 200 })
	a.wait("the button is let go there", func(h heard) bool { return h.m == wire.Message(wire.Button{Button: 1}) })
	drag(image.Pt(352+348, 322+227), image.Pt(352+298, 322+197))
	d.until("it grows with the pointer", func() bool { g := d.grab(d.inside(outer)); return g.Width == 350 && g.Height == 230 })
	d.fake(xproto.ButtonRelease, 1, 0, 0)
	last("grown", wire.Place{Window: 1, X: 350, Y: 320, Width: 350, Height: 230})

	// An app that changes its size while somebody presses its button does just that.
	press(452, 422)
	a.change(1, func(m *wire.Window) { m.Width, m.Height = 310, 210 })
	d.until("the app's size", func() bool { g := d.grab(d.inside(outer)); return g.Width == 310 && g.Height == 210 })
	d.fake(xproto.ButtonRelease, 1, 0, 0)
	a.wait("let go", func(h heard) bool { return h.m == wire.Message(wire.Button{Button: 1}) })
	last("its own size", wire.Place{Window: 1, X: 350, Y: 320, Width: 310, Height: 210})
}

// TestTheFrameResizesAWindowWithoutATitleBar: no manager's frame does.
func TestTheFrameResizesAWindowWithoutATitleBar(t *testing.T) {
	d := newDesk(t)
	a, _ := runWindows(t, d, Config{})
	a.open(bare(1, "bare", 100, 120, 300, 200))
	outer, _ := a.shows(d, "bare", 1)
	before := d.cursor()
	d.fake(xproto.MotionNotify, 0, 403, 220) // the right side of the frame
	d.until("an arrow", func() bool { return !slices.Equal(d.cursor(), before) })
	d.fake(xproto.ButtonPress, 1, 0, 0)
	for x := 404; x <= 443; x++ {
		d.fake(xproto.MotionNotify, 0, x, 225)
	}
	d.until("a wider window", func() bool { g := d.grab(d.inside(outer)); return g.Width == 340 && g.Height == 200 })
	d.fake(xproto.ButtonRelease, 1, 0, 0)
	d.until("wider there", func() bool { return a.said(1).Width == 340 })
}
