//go:build e2e && linux

package surface

import (
	"testing"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// press strikes keys together.
func (d *desk) press(codes ...byte) {
	for _, code := range codes {
		d.key(code, true)
	}
	for i := len(codes) - 1; i >= 0; i-- {
		d.key(codes[i], false)
	}
}

// labels counts what is written over a picture.
func (d *desk) labels(area xproto.Window) int {
	tree, err := xproto.QueryTree(d.conn, area).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	return len(tree.Children)
}

func TestOverlay(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 640, 400, "numbers")
	run := runView(t, d, pipe, Config{Path: func() string { return "direct" }})
	s.paint(640, 400, 1)
	_, area := d.waitWindow("numbers")
	d.untilShown("first pixels", area, s.picture)
	d.press(keyLeftCtrl, keyLeftAlt, keyI)
	d.until("the overlay", func() bool { return d.labels(area) == 1 && !d.grab(area).Equal(s.picture) })
	before := d.grab(area)
	d.until("other numbers", func() bool { return !d.grab(area).Equal(before) })
	s.paint(640, 400, 2) // it stays on top
	if d.grab(area).Equal(s.picture) {
		t.Error("a frame covers the overlay")
	}
	d.press(keyLeftCtrl, keyLeftAlt, keyI)
	d.until("the picture without it", func() bool { return d.labels(area) == 0 && d.grab(area).Equal(s.picture) })
	for range 4 {
		for len(s.messages) > 0 {
			if m, ok := (<-s.messages).(wire.Key); ok && m.Code == keyI {
				t.Error("the overlay's key went to the host")
			}
		}
		d.press(keyLeftCtrl, keyLeftAlt, keyI)
	}
	d.until("the overlay to be gone again", func() bool { return d.labels(area) == 0 })
	d.press(keyLeftCtrl, keyLeftAlt, keyI)
	d.until("the overlay", func() bool { return d.labels(area) == 1 })
	s.write(wire.Closed{Reason: wire.Ended}) // while it shows
	run.ends(nil)
}

func TestGrabIsSaid(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 640, 400, "grab")
	runView(t, d, pipe, Config{})
	s.paint(640, 400, 1)
	_, area := d.waitWindow("grab")
	free := func() bool {
		reply, err := xproto.GrabKeyboard(d.conn, false, d.root, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
		if err != nil {
			t.Fatal(err)
		}
		xproto.UngrabKeyboard(d.conn, xproto.TimeCurrentTime)
		return reply.Status == xproto.GrabStatusSuccess
	}
	if !free() {
		t.Fatal("the keyboard is grabbed at first")
	}
	d.press(keyLeftCtrl, keyLeftAlt, keyG)
	d.until("the note", func() bool { return d.labels(area) == 1 })
	if free() {
		t.Error("the keyboard is not grabbed")
	}
	d.until("the note to go", func() bool { return d.labels(area) == 0 })
	d.press(keyLeftCtrl, keyLeftAlt, keyG)
	d.until("a free keyboard", free)
	d.press(keyLeftCtrl, keyLeftAlt, keyEnter)
	d.until("the note of full screen", func() bool { return d.labels(area) == 1 })
	d.press(keyLeftCtrl, keyLeftAlt, keyEnter)
	d.until("a free keyboard", free)
}
