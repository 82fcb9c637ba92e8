//go:build e2e && linux

package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/internal/xdial"
	"hither/mirror/wire"
)

func TestX11IsExactWhileProgramsDraw(t *testing.T) {
	onBoth(t, xIsExactWhileProgramsDraw)
}

func xIsExactWhileProgramsDraw(t *testing.T, x xsource) {
	display, config, _ := x(t, "1280x1024x24")
	s, err := X11(t.Context(), config)
	c := draw(t, s, err)
	c.until(t, "first picture", c.matches(t, display))
	run(t, on(display, "xsetroot", "-solid", "#123456"))
	c.until(t, "background", func() bool { return c.pixel(image.Pt(700, 700)) == 0x123456 })
	start(t, on(display, "xterm", "-geometry", "100x40+20+30", "-e", "sh", "-c", "for i in $(seq 3000); do echo line $i of many; done; echo done; cat"))
	start(t, on(display, "xeyes", "-geometry", "200x150+900+500"))
	c.until(t, "xterm and xeyes are there", func() bool {
		return c.pixel(image.Pt(950, 540)) != 0x123456 && c.pixel(image.Pt(300, 200)) != 0x123456
	})
	c.until(t, "drawing came to rest", c.matches(t, display))
	if c.cursor == nil || c.cursor.Width == 0 {
		t.Error("no cursor")
	}
}

// typed starts an xterm that writes what is typed to a file.
func typed(t *testing.T, display string) func() string { return typedAt(t, display, "80x24+0+0") }

func typedAt(t *testing.T, display, geometry string) func() string {
	file := filepath.Join(t.TempDir(), "typed")
	start(t, on(display, "xterm", "-geometry", geometry, "-e", "sh", "-c", "stty -echo; cat > "+file))
	return func() string {
		b, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(b)
	}
}

func TestX11TakesKeysAndButtons(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	text := typed(t, display)
	s, err := X11(t.Context(), X11Config{Display: display})
	c := draw(t, s, err)
	c.until(t, "xterm is there", func() bool { return c.pixel(image.Pt(200, 200)) == 0xffffff })
	input := func(m wire.Message) {
		if err := s.Input(m); err != nil {
			t.Fatal(err)
		}
	}
	input(wire.Pointer{X: 200, Y: 100})
	const shift, h, i, one, enter = 42, 35, 23, 2, 28
	press := func(code uint16) {
		input(wire.Key{Code: code, Down: true})
		input(wire.Key{Code: code})
	}
	// Until the shell reads, what is typed may be lost: type until it came.
	c.until(t, "typed text", func() bool {
		input(wire.Key{Code: shift, Down: true})
		press(h)
		input(wire.Key{Code: shift})
		for _, code := range []uint16{i, one, enter} {
			press(code)
		}
		return strings.Contains(text(), "Hi1\n")
	})
	input(wire.Key{Code: 600, Down: true})
	input(wire.Wheel{DY: 240, DX: -120})
	for range 3 * syncEvery {
		input(wire.Pointer{X: 3, Y: 4})
	}
	input(wire.Button{Button: wire.LeftButton, Down: true})
	c.until(t, "pointer", func() bool { // QueryPointer
		x, err := dialX(t.Context(), display, "")
		if err != nil {
			t.Fatal(err)
		}
		defer x.conn.Close()
		b, err := x.call(38, 0, words(x.screen.root))
		if err != nil {
			t.Fatal(err)
		}
		return le.Uint16(b[16:]) == 3 && le.Uint16(b[18:]) == 4 && le.Uint16(b[24:]) == 1<<8
	})
}

func TestX11FollowsAndAsksForSizes(t *testing.T) {
	onBoth(t, xFollowsAndAsksForSizes)
}

func xFollowsAndAsksForSizes(t *testing.T, x xsource) {
	display, config, _ := x(t, "1280x1024x24")
	config.Resizable = true
	s, err := X11(t.Context(), config)
	c := draw(t, s, err)
	run(t, on(display, "xsetroot", "-solid", "#0a0b0c"))
	size := func(w, h int) func() bool {
		return func() bool {
			return c.picture != nil && c.picture.Width == w && c.picture.Height == h && c.matches(t, display)()
		}
	}
	c.until(t, "first picture", size(1280, 1024))
	run(t, on(display, "xrandr", "--newmode", "small", "20", "640", "640", "640", "640", "480", "480", "480", "480"))
	run(t, on(display, "xrandr", "--addmode", "screen", "small"))
	run(t, on(display, "xrandr", "--output", "screen", "--mode", "small"))
	c.until(t, "xrandr", size(640, 480))
	for _, want := range []image.Point{{1000, 700}, {333, 251}, {1280, 1024}} {
		if err := s.Resize(want.X, want.Y); err != nil {
			t.Fatal(err)
		}
		c.until(t, fmt.Sprint("resize to ", want), size(want.X, want.Y))
	}
	if err := s.Resize(9000, 9000); err != nil {
		t.Fatal(err)
	}
	c.until(t, "a size beyond the largest", size(1280, 1024))
	run(t, on(display, "xsetroot", "-solid", "#445566"))
	c.until(t, "drawing after it", func() bool { return c.pixel(image.Pt(1270, 1000)) == 0x445566 })
}

func TestX11EndsWithItsServer(t *testing.T) {
	onBoth(t, xEndsWithItsServer)
}

func xEndsWithItsServer(t *testing.T, x xsource) {
	display, config, kill := x(t, "320x200x24")
	s, err := X11(t.Context(), config)
	c := draw(t, s, err)
	c.until(t, "first picture", c.matches(t, display))
	kill()
	if err := c.ends(t); err != io.EOF {
		t.Errorf("ended with %v", err)
	}
	_ = s.Input(wire.Key{Code: 1, Down: true})
	if _, err := X11(t.Context(), X11Config{Display: display}); !errors.Is(err, fusion.ErrOffline) {
		t.Error(err)
	}
}

func TestX11SaysWhatItCannot(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "320x200x16")
	if _, err := X11(t.Context(), X11Config{Display: display}); !errors.Is(err, fusion.ErrUnsupported) {
		t.Errorf("16 bits: %v", err)
	}
	display, _ = xvfb(t, "-screen", "0", "320x200x24", "-extension", "DAMAGE")
	if _, err := X11(t.Context(), X11Config{Display: display}); !errors.Is(err, fusion.ErrUnsupported) {
		t.Errorf("no DAMAGE: %v", err)
	}
	s, err := X11(t.Context(), X11Config{Display: ":nonsense"})
	if !errors.Is(err, fusion.ErrInvalid) {
		t.Error(s, err)
	}
}

func TestX11ShowsItsCookie(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "auth")
	var b []byte
	for _, f := range []string{"host", "", xdial.CookieName, "0123456789abcdef"} {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(f))), f...)
	}
	if err := os.WriteFile(file, append([]byte{0xff, 0xff}, b...), 0o600); err != nil {
		t.Fatal(err)
	}
	display, _ := xvfb(t, "-screen", "0", "320x200x24", "-auth", file)
	if _, err := X11(t.Context(), X11Config{Display: display, Xauthority: filepath.Join(dir, "none")}); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("without a cookie: %v", err)
	}
	s, err := X11(t.Context(), X11Config{Display: display, Xauthority: file})
	c := draw(t, s, err)
	c.until(t, "first picture", func() bool { return c.picture != nil })
}

// brush fills places of a display's root window.
type brush struct {
	b  *testing.B
	x  *xconn
	gc uint32
}

func newBrush(b *testing.B, display string) *brush {
	x, err := dialX(b.Context(), display, "")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { x.conn.Close() })
	gc := x.id()
	x.request(55, 0, words(gc, x.screen.root, 1<<2, 0)) // CreateGC: foreground
	return &brush{b, x, gc}
}

func (p *brush) fill(colour uint32, places ...image.Rectangle) {
	p.x.request(56, 0, words(p.gc, 1<<2, colour)) // ChangeGC
	for _, r := range places {
		p.x.request(70, 0, words(p.x.screen.root, p.gc, shorts(r.Min.X, r.Min.Y), shorts(r.Dx(), r.Dy()))) // PolyFillRectangle
	}
	if err := p.x.flush(); err != nil {
		p.b.Fatal(err)
	}
}

func BenchmarkX11Grab(b *testing.B) {
	display, _ := xvfb(b, "-screen", "0", "1920x1080x24")
	s, err := X11(b.Context(), X11Config{Display: display})
	c := draw(b, s, err)
	c.until(b, "first picture", func() bool { return c.picture != nil })
	brush := newBrush(b, display)
	for i := range b.N {
		colour := uint32(i + 1)
		brush.fill(colour, image.Rect(100, 100, 110, 115))
		for c.pixel(image.Pt(105, 105)) != colour&0xffffff {
			c.apply(<-c.changes)
		}
	}
}
