//go:build e2e && linux

package surface

import (
	"errors"
	"image"
	"os/exec"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"hither/mirror/codec"

	"hither/internal/xserver"
)

const patience = 60 * time.Second

// desk is an X display of the test's own with a window manager.
type desk struct {
	t    testing.TB
	name string
	conn *xgb.Conn
	root xproto.Window
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	server := xserver.Start(t, "-screen", "0", "1280x800x24")
	d := &desk{t: t, name: server.Display}
	var err error
	if d.conn, err = xgb.NewConnDisplay(d.name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.conn.Close(); waitClosed(d.conn) })
	if err := errors.Join(useExtension(d.conn, "XTEST"), useExtension(d.conn, "XFIXES")); err != nil {
		t.Fatal(err)
	}
	if _, err := xfixes.QueryVersion(d.conn, 4, 0).Reply(); err != nil {
		t.Fatal(err)
	}
	d.root = xproto.Setup(d.conn).DefaultScreen(d.conn).Root
	server.Manage(t, "--config-file", "/dev/null")
	return d
}

func waitClosed(conn *xgb.Conn) {
	for {
		if e, err := conn.WaitForEvent(); e == nil && err == nil {
			return
		}
	}
}

func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (run build/deps.sh test)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (d *desk) atom(name string) xproto.Atom {
	reply, err := xproto.InternAtom(d.conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	return reply.Atom
}

// until waits for something that the display or the window does.
func (d *desk) until(what string, done func() bool) {
	d.t.Helper()
	if !d.comes(done) {
		d.t.Fatalf("waited in vain for %s", what)
	}
}

// comes asks again and again, for not all of it has an event, whether something is
// true, and says whether it became true in time.
func (d *desk) comes(done func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

// untilShown waits until a window shows a picture, and says what it shows
// instead if it never does.
func (d *desk) untilShown(what string, w xproto.Window, want *codec.Picture) {
	d.t.Helper()
	var got *codec.Picture
	if d.comes(func() bool { got = d.grab(w); return got.Equal(want) }) {
		return
	}
	var wrong image.Rectangle
	for y := range min(got.Height, want.Height) {
		for x := range min(got.Width, want.Width) {
			if string(got.Pix[y*got.Stride+x*4:][:3]) != string(want.Pix[y*want.Stride+x*4:][:3]) {
				wrong = wrong.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	d.t.Fatalf("waited in vain for %s: %d×%d pixels for %d×%d, those in %v differ, the first is %x",
		what, got.Width, got.Height, want.Width, want.Height, wrong, got.Pix[wrong.Min.Y*got.Stride+wrong.Min.X*4:][:4])
}

// openWindow makes a window on the display, without a view.
func (d *desk) openWindow(size image.Point) *window {
	d.t.Helper()
	display, err := openDisplay(d.name)
	if err != nil {
		d.t.Fatal(err)
	}
	win, err := newWindow(display, Config{}.withDefaults(), size, false)
	if err != nil {
		d.t.Fatal(err)
	}
	return win
}

// window finds the client window whose title is this, or 0.
func (d *desk) window(title string) xproto.Window {
	reply, err := xproto.GetProperty(d.conn, false, d.root, d.atom("_NET_CLIENT_LIST"), xproto.AtomWindow, 0, 64).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	for b := reply.Value; len(b) >= 4; b = b[4:] {
		w := xproto.Window(xgb.Get32(b))
		if d.title(w) == title {
			return w
		}
	}
	return 0
}

func (d *desk) title(w xproto.Window) string {
	reply, err := xproto.GetProperty(d.conn, false, w, d.atom("_NET_WM_NAME"), d.atom("UTF8_STRING"), 0, 64).Reply()
	if err != nil {
		return ""
	}
	return string(reply.Value)
}

// waitWindow waits for a window that shows and has the focus.
func (d *desk) waitWindow(title string) (outer, area xproto.Window) {
	d.t.Helper()
	d.until("window "+title, func() bool { outer = d.window(title); return outer != 0 })
	d.until("focus", func() bool {
		focus, err := xproto.GetInputFocus(d.conn).Reply()
		return err == nil && focus.Focus == outer
	})
	tree, err := xproto.QueryTree(d.conn, outer).Reply()
	if err != nil || len(tree.Children) != 1 {
		d.t.Fatalf("children of the window: %v %v", tree, err)
	}
	return outer, tree.Children[0]
}

// grab gives what a window shows.
func (d *desk) grab(w xproto.Window) *codec.Picture {
	d.t.Helper()
	geo, err := xproto.GetGeometry(d.conn, xproto.Drawable(w)).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	img, err := xproto.GetImage(d.conn, xproto.ImageFormatZPixmap, xproto.Drawable(w), 0, 0, geo.Width, geo.Height, 0xffffffff).Reply()
	if err != nil {
		return codec.NewPicture(1, 1) // a part of it is off the display for now
	}
	return &codec.Picture{Width: int(geo.Width), Height: int(geo.Height), Stride: int(geo.Width) * 4, Pix: img.Data}
}

// key strikes a key of the display by its evdev code.
func (d *desk) key(code byte, down bool) {
	kind := byte(xproto.KeyPress)
	if !down {
		kind = xproto.KeyRelease
	}
	d.fake(kind, code+evdevOffset, 0, 0)
}

// cursor gives the pixels of the cursor as it is now, A R G B premultiplied.
func (d *desk) cursor() []uint32 {
	reply, err := xfixes.GetCursorImage(d.conn).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	return reply.CursorImage
}

func (d *desk) fake(kind, detail byte, x, y int) {
	d.t.Helper()
	err := xtest.FakeInputChecked(d.conn, kind, detail, 0, d.root, int16(x), int16(y), 0).Check()
	if err != nil {
		d.t.Fatal(err)
	}
}

// place gives where a window's corner is on the display.
func (d *desk) place(w xproto.Window) image.Point {
	reply, err := xproto.TranslateCoordinates(d.conn, w, d.root, 0, 0).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	return image.Pt(int(reply.DstX), int(reply.DstY))
}

// deleteWindow is the window manager's close button.
func (d *desk) deleteWindow(w xproto.Window) {
	data := xproto.ClientMessageDataUnionData32New([]uint32{uint32(d.atom("WM_DELETE_WINDOW")), 0, 0, 0, 0})
	e := xproto.ClientMessageEvent{Format: 32, Window: w, Type: d.atom("WM_PROTOCOLS"), Data: data}
	if err := xproto.SendEventChecked(d.conn, false, w, 0, string(e.Bytes())).Check(); err != nil {
		d.t.Fatal(err)
	}
}

// repeats gives a function that waits until the display has sent so many
// presses to a window.
func (d *desk) repeats(w xproto.Window) (wait func(n int)) {
	conn, err := xgb.NewConnDisplay(d.name)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close(); waitClosed(conn) })
	err = xproto.ChangeWindowAttributesChecked(conn, w, xproto.CwEventMask, []uint32{xproto.EventMaskKeyPress}).Check()
	if err != nil {
		d.t.Fatal(err)
	}
	return func(n int) {
		for n > 0 {
			e, xerr := conn.WaitForEvent()
			if e == nil && xerr == nil {
				d.t.Fatal("the display went away")
			}
			if _, ok := e.(xproto.KeyPressEvent); ok {
				n--
			}
		}
	}
}
