//go:build e2e && linux

package surface

import (
	"bufio"
	"context"
	"errors"
	"image"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
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
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset")
	server.ExtraFiles = []*os.File{write}
	start(t, server)
	write.Close()
	line, err := bufio.NewReader(read).ReadString('\n')
	read.Close()
	if err != nil {
		t.Fatalf("Xvfb gave no display: %v", err)
	}
	d := &desk{t: t, name: ":" + strings.TrimSpace(line)}
	manager := exec.Command("openbox", "--sm-disable", "--config-file", "/dev/null")
	manager.Env = append(os.Environ(), "DISPLAY="+d.name)
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
	start(t, manager)
	d.until("a window manager", func() bool {
		reply, err := xproto.GetProperty(d.conn, false, d.root, d.atom("_NET_SUPPORTING_WM_CHECK"),
			xproto.AtomWindow, 0, 1).Reply()
		return err == nil && reply.ValueLen == 1
	})
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
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	d.t.Fatalf("waited in vain for %s", what)
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

// source is the host's side of a view with frames made by hand.
type source struct {
	t        *testing.T
	pipe     fusion.Pipe
	picture  *codec.Picture
	split    wire.Splitter
	messages chan wire.Message // what the viewer sent, pings answered and left out
	silent   atomic.Bool       // does not answer pings
}

func newSource(t *testing.T, width, height int, title string) (*source, fusion.Pipe) {
	host, viewer := wire.Pair()
	s := &source{t: t, pipe: host, picture: codec.NewPicture(width, height), messages: make(chan wire.Message, 1000)}
	s.write(wire.Hello{Width: uint16(width), Height: uint16(height), Title: title})
	go s.listen()
	return s, viewer
}

func (s *source) listen() {
	defer close(s.messages)
	for {
		b, err := s.pipe.Read()
		if err != nil {
			return
		}
		m, err := wire.ParseViewer(b)
		if err != nil {
			s.t.Errorf("viewer sent: %v", err)
			return
		}
		if ping, ok := m.(wire.Ping); !ok {
			s.messages <- m
		} else if !s.silent.Load() {
			_ = s.pipe.Write(wire.Pong(ping).Append(nil)) // the pipe may be closed by now
		}
	}
}

func (s *source) write(m wire.Message) {
	s.t.Helper()
	if err := s.pipe.Write(m.Append(nil)); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits for a message; other ones before it are passed over.
func (s *source) expect(want wire.Message) {
	s.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var seen []wire.Message
	for {
		select {
		case m, open := <-s.messages:
			if !open {
				s.t.Fatalf("pipe ended before %#v; saw %#v", want, seen)
			}
			if m == want {
				return
			}
			seen = append(seen, m)
		case <-timer.C:
			s.t.Fatalf("no %#v; saw %#v", want, seen)
		}
	}
}

// paint changes the picture to something new everywhere and sends it.
func (s *source) paint(width, height, shade int) {
	s.t.Helper()
	p := codec.NewPicture(width, height)
	for i := range p.Pix {
		p.Pix[i] = byte(i*7 + i/p.Stride*13 + shade)
	}
	s.picture = p
	s.raw(p.Bounds(), true)
}

// raw sends a rectangle of the picture and waits until it is on the glass.
func (s *source) raw(r image.Rectangle, key bool) {
	s.t.Helper()
	frame := []byte{0}
	if key {
		frame[0] = 1
	}
	p := s.picture
	put := func(vs ...int) {
		for _, v := range vs {
			frame = append(frame, byte(v>>8), byte(v))
		}
	}
	put(p.Width, p.Height)
	frame = append(frame, 3)
	put(r.Min.X, r.Min.Y, r.Dx(), r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			px := p.Pix[y*p.Stride+x*4:]
			frame = append(frame, px[2], px[1], px[0])
		}
	}
	s.frame(frame)
}

func (s *source) frame(frame []byte) {
	s.t.Helper()
	seq := s.split.Start(frame)
	for m := s.split.Next(); m != nil; m = s.split.Next() {
		if err := s.pipe.Write(m); err != nil {
			s.t.Fatal(err)
		}
	}
	s.expect(wire.Ack{Seq: seq})
}

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
	d.until("equal pixels", func() bool { return d.grab(area).Equal(s.picture) })

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

// paintCheck compares a rectangle of the area with the picture.
func (s *source) paintCheck(d *desk, area xproto.Window, r image.Rectangle) {
	s.t.Helper()
	got := d.grab(area)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			i := y*s.picture.Stride + x*4
			if string(got.Pix[i:i+3]) != string(s.picture.Pix[i:i+3]) {
				s.t.Fatalf("pixel %d,%d is %x, want %x", x, y, got.Pix[i:i+3], s.picture.Pix[i:i+3])
			}
		}
	}
}

func TestWithoutSharedMemory(t *testing.T) {
	d := newDesk(t)
	win, err := openWindow(Config{Display: d.name}.withDefaults(), image.Pt(700, 500))
	if err != nil {
		t.Fatal(err)
	}
	win.noShm = true
	defer waitClosed(win.conn)
	defer win.conn.Close()
	if err := win.show(); err != nil {
		t.Fatal(err)
	}
	win.setTitle("bytes")
	_, area := d.waitWindow("bytes")
	g := newGlass(win, image.Pt(700, 500))
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
	d.waitWindow("held")
	const keyA, keyB = 30, 48
	d.key(keyA, true)
	s.expect(wire.Key{Code: keyA, Down: true})
	// The display repeats a held key after 660 ms, then 25 times a second.
	time.Sleep(time.Second)
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

func TestResize(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 400, 300, "size")
	runView(t, d, pipe, Config{})
	s.paint(400, 300, 1)
	outer, area := d.waitWindow("size")
	d.until("first pixels", func() bool { return d.grab(area).Equal(s.picture) })

	// The source grows by itself: the window follows.
	s.paint(500, 350, 2)
	d.until("larger window", func() bool { return d.grab(area).Equal(s.picture) })

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
	d.until("filled window", func() bool { return d.grab(area).Equal(s.picture) })
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
	d.until("the whole display", func() bool { return d.grab(area).Equal(s.picture) })
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
	d.until("first pixels", func() bool { return d.grab(area).Equal(s.picture) })
	if err := s.pipe.Close(); err != nil {
		t.Fatal(err)
	}
	d.until("offline title", func() bool { return d.title(outer) == "line"+offlineSuffix })
	darken(s.picture.Pix)
	d.until("dimmed picture", func() bool { return d.grab(area).Equal(s.picture) })
	close(gate)
	d.until("title", func() bool { return d.title(outer) == "line" })
	again.paint(320, 200, 7)
	d.until("pixels of the new view", func() bool { return d.grab(area).Equal(again.picture) })
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
