//go:build e2e && linux

package surface

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// running is a Run in the background.
type running struct {
	t    testing.TB
	done chan error
}

func runView(t *testing.T, d *desk, pipe fusion.Pipe, cfg Config) *running {
	cfg.Display = d.name
	cfg.Color = [3]uint8{0x12, 0x34, 0x56}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, done: make(chan error, 1)}
	go func() { r.done <- Run(ctx, pipe, cfg); close(r.done) }()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

func (r *running) ends(want error) {
	r.t.Helper()
	select {
	case err := <-r.done:
		if !errors.Is(err, want) {
			r.t.Fatalf("Run gave %v, want %v", err, want)
		}
	case <-time.After(patience):
		r.t.Fatal("Run does not end")
	}
}

func TestPixelsAreExact(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 640, 480, "exact")
	run := runView(t, d, pipe, Config{})
	s.paint(640, 480, 0)
	outer, area := d.waitWindow("exact")
	d.untilShown("equal pixels", area, s.picture)

	for i := range s.picture.Pix[:64000] {
		s.picture.Pix[i] ^= 0x5a
	}
	s.raw(image.Rect(3, 5, 300, 25), false)
	s.paintCheck(d, area, image.Rect(3, 5, 300, 25))

	corner := d.grab(outer)
	if got := corner.Pix[:3]; got[0] != 0x56 || got[1] != 0x34 || got[2] != 0x12 {
		t.Errorf("frame is %x, want the host's colour", got)
	}
	s.write(wire.Title{Text: "another\x1btitle"})
	d.until("new title", func() bool { return d.title(outer) == "anothertitle" })
	s.write(wire.Closed{Reason: wire.Ended})
	run.ends(nil)
}

func TestWithoutSharedMemory(t *testing.T) {
	d := newDesk(t)
	win := d.openWindow(image.Pt(700, 500))
	win.shared.Store(false)
	defer waitClosed(win.conn)
	defer win.conn.Close()
	if err := win.show(); err != nil {
		t.Fatal(err)
	}
	win.setTitle("bytes")
	_, area := d.waitWindow("bytes")
	g := newGlass(win, image.Pt(700, 500), image.Pt(700, 500))
	g.begin()
	host, viewer := wire.Pair()
	s := &source{t: t, pipe: host, messages: make(chan wire.Message, 1)}
	s.messages <- wire.Ack{Seq: 1}
	go s.paint(700, 500, 9)
	var frames wire.Assembler
	for frame := []byte(nil); frame == nil; {
		b, err := viewer.Read()
		if err != nil {
			t.Fatal(err)
		}
		m, err := wire.ParseHost(b)
		if err != nil {
			t.Fatal(err)
		}
		if frame, err = frames.Add(m.(wire.FramePart)); err != nil {
			t.Fatal(err)
		}
		if frame != nil {
			if _, err := g.frame(frame); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !d.grab(area).Equal(g.image.picture) {
		t.Error("pixels differ")
	}
	if err := g.close(); err != nil {
		t.Error(err)
	}
}

func TestInput(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "input")
	run := runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	_, area := d.waitWindow("input")

	const keyA, keyUp = 30, 103
	for _, code := range []byte{keyA, keyUp} {
		d.key(code, true)
		s.expect(wire.Key{Code: uint16(code), Down: true})
		d.key(code, false)
		s.expect(wire.Key{Code: uint16(code)})
	}
	at := d.place(area)
	d.fake(xproto.MotionNotify, 0, at.X+17, at.Y+23)
	s.expect(wire.Pointer{X: 17, Y: 23})
	d.fake(xproto.ButtonPress, 3, 0, 0)
	s.expect(wire.Button{Button: 3, Down: true})
	d.fake(xproto.ButtonRelease, 3, 0, 0)
	s.expect(wire.Button{Button: 3})
	d.fake(xproto.ButtonPress, 5, 0, 0)
	d.fake(xproto.ButtonRelease, 5, 0, 0)
	s.expect(wire.Wheel{DY: 120})

	d.key(keyA, true)
	s.expect(wire.Key{Code: keyA, Down: true})
	xproto.SetInputFocus(d.conn, xproto.InputFocusPointerRoot, d.root, xproto.TimeCurrentTime)
	s.expect(wire.Release{})
	d.key(keyA, false)

	s.write(wire.Closed{Reason: wire.Revoked, Text: "taken"})
	run.ends(fusion.ErrPermission)
}

func TestHeldKeyIsSentOnce(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "held")
	runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	outer, _ := d.waitWindow("held")
	repeats := d.repeats(outer)
	const keyA, keyB = 30, 48
	d.key(keyA, true)
	s.expect(wire.Key{Code: keyA, Down: true})
	repeats(4)
	d.key(keyA, false)
	d.key(keyB, true)
	for _, want := range []wire.Message{wire.Key{Code: keyA}, wire.Key{Code: keyB, Down: true}} {
		for m := range s.messages {
			if _, ok := m.(wire.Key); ok {
				if m != want {
					t.Fatalf("got %#v, want %#v", m, want)
				}
				break
			}
		}
	}
}

func TestCursor(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "cursor")
	run := runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	_, area := d.waitWindow("cursor")
	at := d.place(area)
	d.fake(xproto.MotionNotify, 0, at.X+50, at.Y+50)
	// 2×1 pixels: opaque red, half green.
	s.frame([]byte{0, 320 >> 8, 320 & 0xff, 0, 200, 6, 0, 1, 0, 0, 0, 2, 0, 1, 255, 0, 0, 255, 0, 255, 0, 128})
	d.until("the remote cursor", func() bool {
		c := d.cursor()
		return len(c) == 2 && c[0] == 0xffff0000 && c[1] == 0x80008000
	})
	s.frame([]byte{0, 320 >> 8, 320 & 0xff, 0, 200, 6, 0, 0, 0, 0, 0, 0, 0, 0})
	d.until("no cursor", func() bool { c := d.cursor(); return len(c) == 1 && c[0] == 0 })
	s.write(wire.Closed{Reason: wire.Failed, Text: "broken"})
	select {
	case err := <-run.done:
		if err == nil || fusion.Hint(err) == "" {
			t.Errorf("a failed view gave %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run does not end")
	}
}

func TestClosingSaysBye(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "bye")
	run := runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	outer, _ := d.waitWindow("bye")
	d.deleteWindow(outer)
	s.expect(wire.Bye{})
	run.ends(nil)
}

func TestDestroyedWindowSaysBye(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "destroyed")
	run := runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	outer, _ := d.waitWindow("destroyed")
	xproto.DestroyWindow(d.conn, outer)
	s.expect(wire.Bye{})
	run.ends(nil)
}

func TestResize(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 400, 300, "size")
	runView(t, d, pipe, Config{})
	s.paint(400, 300, 1)
	outer, area := d.waitWindow("size")
	d.untilShown("first pixels", area, s.picture)

	// The source grows by itself: the window follows.
	s.paint(500, 350, 2)
	d.untilShown("larger window", area, s.picture)

	// The person makes the window larger: the source is asked.
	xproto.ConfigureWindow(d.conn, outer, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{604, 404})
	s.expect(wire.Resize{Width: 600, Height: 400})
	// Until it follows, the picture stands in the middle of black.
	middle := func() bool {
		got := d.grab(area)
		if got.Width != 600 || got.Height != 400 {
			return false
		}
		inside := &codec.Picture{Width: 500, Height: 350, Stride: got.Stride, Pix: got.Pix[25*got.Stride+50*4:]}
		return inside.Equal(s.picture) && got.Pix[0]|got.Pix[1]|got.Pix[2] == 0
	}
	d.until("letterbox", middle)
	s.paint(600, 400, 3)
	d.untilShown("filled window", area, s.picture)
}

func TestLargePictureMovesWithThePointer(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 1600, 1000, "large")
	runView(t, d, pipe, Config{})
	s.paint(1600, 1000, 4)
	_, area := d.waitWindow("large")
	shows := func(x, y int) bool {
		got := d.grab(area)
		if got.Width < 600 || got.Height < 400 {
			return false
		}
		part := &codec.Picture{Width: got.Width, Height: got.Height, Stride: s.picture.Stride,
			Pix: s.picture.Pix[y*(1000-got.Height)*s.picture.Stride+x*(1600-got.Width)*4:]}
		return got.Equal(part)
	}
	d.until("the first corner", func() bool { return shows(0, 0) })
	at, size := d.place(area), d.grab(area)
	d.fake(xproto.MotionNotify, 0, at.X+size.Width-1, at.Y+size.Height-1)
	s.expect(wire.Pointer{X: 1599, Y: 999})
	d.until("the last corner", func() bool { return shows(1, 1) })
	d.fake(xproto.MotionNotify, 0, at.X, at.Y)
	s.expect(wire.Pointer{})
	d.until("the first corner again", func() bool { return shows(0, 0) })
}

func TestFullScreen(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 400, 300, "full")
	runView(t, d, pipe, Config{})
	s.paint(400, 300, 1)
	_, area := d.waitWindow("full")
	toggle := func() {
		for _, code := range []byte{keyLeftCtrl, keyLeftAlt, keyEnter} {
			d.key(code, true)
		}
		for _, code := range []byte{keyEnter, keyLeftAlt, keyLeftCtrl} {
			d.key(code, false)
		}
	}
	toggle()
	s.expect(wire.Resize{Width: 1276, Height: 796})
	s.paint(1276, 796, 2)
	d.untilShown("the whole display", area, s.picture)
	toggle()
	d.until("a window again", func() bool { return d.grab(area).Width == 400 })
}

func TestReconnect(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "line")
	again, pipe2 := newSource(t, 320, 200, "line")
	gate := make(chan struct{})
	tries := 0
	run := runView(t, d, pipe, Config{Reopen: func(ctx context.Context) (fusion.Pipe, error) {
		if tries++; tries == 1 {
			return nil, fusion.ErrOffline
		}
		select {
		case <-gate:
			return pipe2, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	s.paint(320, 200, 1)
	outer, area := d.waitWindow("line")
	d.untilShown("first pixels", area, s.picture)
	if err := s.pipe.Close(); err != nil {
		t.Fatal(err)
	}
	d.until("offline title", func() bool { return d.title(outer) == "line"+offlineSuffix })
	darken(s.picture.Pix)
	d.untilShown("dimmed picture", area, s.picture)
	close(gate)
	d.until("title", func() bool { return d.title(outer) == "line" })
	again.paint(320, 200, 7)
	d.untilShown("pixels of the new view", area, again.picture)
	d.key(30, true)
	again.expect(wire.Key{Code: 30, Down: true})
	d.key(30, false)
	again.write(wire.Closed{Reason: wire.Ended})
	run.ends(nil)
}

func TestLostForGood(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "lost")
	run := runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	if err := s.pipe.Close(); err != nil {
		t.Fatal(err)
	}
	run.ends(fusion.ErrOffline)
}

func TestSilentHostIsAway(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "silent")
	s.silent.Store(true)
	run := runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	run.ends(fusion.ErrOffline) // pings are not answered
}

// TestHoldsAMouse shows a screen that takes motions: a click holds the mouse, which then
// moves further than the window is wide, until Ctrl+Alt+G.
func TestHoldsAMouse(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "mouse")
	run := runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	_, area := d.waitWindow("mouse")
	s.write(wire.Pointing{Relative: true})
	at := d.place(area)
	middle := at.Add(image.Pt(160, 100))
	pointer := func() image.Point {
		reply, err := xproto.QueryPointer(d.conn, d.root).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return image.Pt(int(reply.RootX), int(reply.RootY))
	}
	moves := func(by image.Point) {
		t.Helper()
		to := pointer().Add(by)
		d.fake(xproto.MotionNotify, 0, to.X, to.Y)
		s.expect(wire.Motion{DX: int16(by.X), DY: int16(by.Y)})
	}
	click := func(kind, button byte) { d.fake(kind, button, 0, 0) }

	d.fake(xproto.MotionNotify, 0, at.X+17, at.Y+23)
	s.expect(wire.Pointer{X: 17, Y: 23})
	d.until("the mouse is held", func() bool {
		click(xproto.ButtonPress, 1)
		click(xproto.ButtonRelease, 1)
		return pointer() == middle
	})
	for range 10 {
		moves(image.Pt(90, -60))
		d.until("the pointer is put back", func() bool { return pointer() == middle })
	}
	moves(image.Pt(3, 4))
	click(xproto.ButtonPress, 3)
	s.expect(wire.Button{Button: 3, Down: true})
	click(xproto.ButtonRelease, 3)
	s.expect(wire.Button{Button: 3})

	for _, code := range []byte{keyLeftCtrl, keyLeftAlt} {
		d.key(code, true)
		s.expect(wire.Key{Code: uint16(code), Down: true})
	}
	d.key(keyG, true)
	d.key(keyG, false)
	for _, code := range []byte{keyLeftCtrl, keyLeftAlt} {
		d.key(code, false)
		s.expect(wire.Key{Code: uint16(code)})
	}
	d.fake(xproto.MotionNotify, 0, at.X+18, at.Y+24)
	s.expect(wire.Pointer{X: 18, Y: 24})
	s.write(wire.Closed{Reason: wire.Ended})
	run.ends(nil)
}
