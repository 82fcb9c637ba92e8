//go:build e2e && linux

package capture

import (
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"testing"

	"hither/fusion"
	"hither/mirror/wire"
)

// xsource starts an X server with a screen of a size, and says how to capture it.
type xsource func(t *testing.T, screen string) (display string, config X11Config, kill func())

// onBoth runs a test on a server that is asked for its pixels, and on one whose
// framebuffer is read.
func onBoth(t *testing.T, test func(*testing.T, xsource)) {
	t.Run("asked", func(t *testing.T) {
		test(t, func(t *testing.T, screen string) (string, X11Config, func()) {
			display, kill := xvfb(t, "-screen", "0", screen)
			return display, X11Config{Display: display}, kill
		})
	})
	t.Run("framebuffer", func(t *testing.T) { test(t, shared) })
}

func shared(t *testing.T, screen string) (string, X11Config, func()) {
	dir := t.TempDir()
	display, kill := xvfb(t, "-screen", "0", screen, "-fbdir", dir)
	return display, X11Config{Display: display, Framebuffer: filepath.Join(dir, "Xvfb_screen0")}, kill
}

// The X server paints its cursor into the framebuffer, and a viewer has one of
// its own.
func TestTheFramebufferHasNoCursor(t *testing.T) {
	display, config, _ := shared(t, "400x300x24")
	s, err := X11(t.Context(), config)
	c := draw(t, s, err)
	run(t, on(display, "xsetroot", "-solid", "#303030", "-cursor_name", "crosshair"))
	for i := range 5 {
		if err := s.Input(wire.Pointer{X: uint16(50 * (i + 1)), Y: uint16(40 * (i + 1))}); err != nil {
			t.Fatal(err)
		}
		run(t, on(display, "xsetroot", "-solid", "#30304"+string(rune('0'+i))))
		c.until(t, "the picture without a cursor", c.matches(t, display))
	}
	c.until(t, "the cursor", func() bool { return c.cursor != nil && c.cursor.Width > 0 })
	if got := c.pixel(image.Pt(250, 200)); got != 0x303044 {
		t.Errorf("%x where the pointer is", got)
	}
}

func TestX11RefusesAFramebufferOfSomethingElse(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "320x200x24")
	dir := t.TempDir()
	for name, content := range map[string][]byte{"none": nil, "empty": {}, "zeros": make([]byte, 1<<20), "short": make([]byte, 99)} {
		file := filepath.Join(dir, name)
		if content != nil {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := X11(t.Context(), X11Config{Display: display, Framebuffer: file}); !errors.Is(err, fusion.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// While a cursor or an answer is awaited the display may get another size: what a
// change says and what it holds must be of one.
func TestChangesAreOfOneSize(t *testing.T) {
	onBoth(t, func(t *testing.T, x xsource) {
		display, config, _ := x(t, "1280x1024x24")
		config.Resizable = true
		s, err := X11(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		go func() { // ends with the display, or after its rounds
			for i := range 150 {
				if err := s.Resize(200+i*37%1000, 200+i*53%800); err != nil {
					return
				}
				_ = on(display, "xsetroot", "-cursor_name", []string{"watch", "arrow", "xterm"}[i%3]).Run() // its end is the next cursor's
			}
			s.Close()
		}()
		var size image.Point
		for {
			c, err := s.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			now := image.Pt(c.Width, c.Height)
			if c.Width == 0 {
				continue
			}
			if c.Whole != nil && c.Whole.Bounds().Size() != now || c.Whole == nil && now != size {
				t.Fatalf("a change of %v after %v, whole: %v", now, size, c.Whole != nil)
			}
			size = now
		}
	})
}
