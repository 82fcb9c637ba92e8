//go:build e2e && linux && wine

package surface

import (
	"image"
	"net"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"hither/internal/wine"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// TestWindowsInWine shows a screen in a window of Windows.
func TestWindowsInWine(t *testing.T) {
	d := newDesk(t)
	w := wine.Start(t, d.name)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start(t, w.Test("TestAgainstAHost", "HITHER_TEST_HOST="+l.Addr().String()))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := &source{t: t, pipe: wire.Stream(conn), picture: codec.NewPicture(320, 200), messages: make(chan wire.Message, 1000)}
	s.write(wire.Hello{Width: 320, Height: 200, Title: "wine"})
	go s.listen()
	s.paint(320, 200, 1)
	var win xproto.Window
	d.until("the window", func() bool { win = d.window("wine — nas"); return win != 0 })
	shown := func() *codec.Picture {
		p := d.grab(win)
		if p.Width < 2*frame || p.Height < 2*frame {
			return p
		}
		return &codec.Picture{Width: p.Width - 2*frame, Height: p.Height - 2*frame, Stride: p.Stride, Pix: p.Pix[frame*p.Stride+frame*4:]}
	}
	d.until("equal pixels", func() bool { return shown().Equal(s.picture) })
	if c := d.grab(win).Pix[:3]; c[0] != 0x56 || c[1] != 0x34 || c[2] != 0x12 {
		t.Errorf("the frame is %x, want the host's colour", c)
	}
	for i := range s.picture.Pix[:64000] {
		s.picture.Pix[i] ^= 0x5a
	}
	s.raw(image.Rect(3, 5, 300, 25), false)
	s.raw(image.Rect(0, 0, 320, 50), false)
	d.until("equal pixels after a change", func() bool { return shown().Equal(s.picture) })

	const keyA, keyUp, keyKPSlash = 30, 103, 98
	for _, code := range []byte{keyA, keyUp, keyKPSlash, keyKPEnter, keyRightCtrl} {
		d.key(code, true)
		s.expect(wire.Key{Code: uint16(code), Down: true})
		d.key(code, false)
		s.expect(wire.Key{Code: uint16(code)})
	}
	at := d.place(win).Add(image.Pt(frame, frame))
	d.fake(xproto.MotionNotify, 0, at.X+17, at.Y+23)
	s.expect(wire.Pointer{X: 17, Y: 23})
	for x, want := range map[byte]byte{1: wire.LeftButton, 2: wire.MiddleButton, 3: wire.RightButton} {
		d.fake(xproto.ButtonPress, x, 0, 0)
		s.expect(wire.Button{Button: want, Down: true})
		d.fake(xproto.ButtonRelease, x, 0, 0)
		s.expect(wire.Button{Button: want})
	}
	for x, want := range map[byte]wire.Wheel{4: {DY: -120}, 5: {DY: 120}} {
		d.fake(xproto.ButtonPress, x, 0, 0)
		d.fake(xproto.ButtonRelease, x, 0, 0)
		s.expect(want)
	}
	// A red and a half green pixel.
	s.frame([]byte{0, 320 >> 8, 320 & 0xff, 0, 200, 6, 0, 1, 0, 0, 0, 2, 0, 1, 255, 0, 0, 255, 0, 255, 0, 128})
	d.until("the remote cursor", func() bool {
		for _, p := range d.cursor() {
			if p == 0xffff0000 {
				return true
			}
		}
		return false
	})

	// A person resizes the window, and the host follows.
	xproto.ConfigureWindow(d.conn, win, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{404, 304})
	s.expect(wire.Resize{Width: 400, Height: 300})
	s.paint(400, 300, 2)
	d.until("equal pixels of another size", func() bool { return shown().Equal(s.picture) })
	// The host changes by itself, and the window follows.
	time.Sleep(answerTime) // a change before is the answer to the person
	s.paint(500, 350, 3)
	d.until("a window that follows", func() bool { return shown().Equal(s.picture) })
	s.write(wire.Title{Text: "other"})
	d.until("another title", func() bool { return d.title(win) == "other — nas" })

	d.key(keyA, true)
	s.expect(wire.Key{Code: keyA, Down: true})
	xproto.SetInputFocus(d.conn, xproto.InputFocusPointerRoot, d.root, xproto.TimeCurrentTime)
	s.expect(wire.Release{})
	d.key(keyA, false)
	d.deleteWindow(win)
	s.expect(wire.Bye{})
}
