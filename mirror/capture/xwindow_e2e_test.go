//go:build e2e && linux

package capture

import (
	"image"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"hither/mirror/codec"
	"hither/mirror/wire"
)

// findWindow waits for a window of a class and gives it.
func findWindow(t testing.TB, display, class string) uint32 {
	t.Helper()
	out := run(t, on(display, "timeout", "60", "xdotool", "search", "--sync", "--onlyvisible", "--class", class))
	n, err := strconv.ParseUint(strings.Fields(out)[0], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// own fetches a window's own pixels, without shared memory.
func own(t testing.TB, display string, window uint32) *codec.Picture {
	t.Helper()
	x, err := dialX(t.Context(), display, "")
	if err != nil {
		t.Fatal(err)
	}
	defer x.conn.Close()
	composite, err := x.extension("Composite", words(0, 3))
	if err != nil {
		t.Fatal(err)
	}
	pixmap := x.id()
	x.request(composite.major, 1, words(window, 0))
	x.request(composite.major, 6, words(window, pixmap))
	b, err := x.call(14, 0, words(pixmap))
	if err != nil {
		t.Fatal(err)
	}
	w, h := int(le.Uint16(b[16:])), int(le.Uint16(b[18:]))
	b, err = x.call(73, 2, words(pixmap, 0, shorts(w, h), 0xffffffff))
	if err != nil {
		t.Fatal(err)
	}
	return &codec.Picture{Width: w, Height: h, Stride: w * 4, Pix: b[32:]}
}

func TestWindowIsExactWhenCoveredAndOffTheDisplay(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	all, err := X11Windows(t.Context(), X11Config{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	start(t, on(display, "xterm", "-class", "Below", "-geometry", "80x24+20+30", "-e", "sh", "-c", "while read x; do for i in $(seq 200); do echo line $i $x; done; done"))
	below := findWindow(t, display, "Below")
	s, err := all.Open(t.Context(), below, 0)
	c := draw(t, s, err)
	same := func() bool { return c.picture != nil && c.picture.Equal(own(t, display, below)) }
	c.until(t, "first picture", same)
	if pixel := c.pixel(image.Pt(100, 200)); pixel != 0xffffff {
		t.Errorf("pixel %06x", pixel)
	}
	start(t, on(display, "xterm", "-class", "Above", "-bg", "red", "-geometry", "120x40+0+0"))
	findWindow(t, display, "Above")
	c.until(t, "covered", same)
	run(t, on(display, "xdotool", "windowfocus", "--sync", strconv.Itoa(int(below))))
	before := c.picture.Copy()
	run(t, on(display, "xdotool", "type", "words\n"))
	c.until(t, "text while covered", func() bool { return !c.picture.Equal(before) && same() })
	run(t, on(display, "xdotool", "windowmove", strconv.Itoa(int(below)), "500", "450"))
	before = c.picture.Copy()
	run(t, on(display, "xdotool", "type", "more\n"))
	c.until(t, "text while partly off the display", func() bool { return !c.picture.Equal(before) && same() })
	const border = 1 // of an xterm without a window manager; it belongs to the picture
	for _, size := range []image.Point{{700, 500}, {301, 203}, {1200, 900}} {
		run(t, on(display, "xdotool", "windowsize", strconv.Itoa(int(below)), strconv.Itoa(size.X), strconv.Itoa(size.Y)))
		c.until(t, "resized", func() bool {
			return c.picture.Width == size.X+2*border && c.picture.Height == size.Y+2*border && same()
		})
	}
	run(t, on(display, "xdotool", "windowunmap", strconv.Itoa(int(below))))
	run(t, on(display, "xdotool", "windowmap", strconv.Itoa(int(below))))
	run(t, on(display, "xdotool", "windowfocus", "--sync", strconv.Itoa(int(below))))
	before = c.picture.Copy()
	run(t, on(display, "xdotool", "type", "again\n"))
	c.until(t, "text after it was hidden", func() bool { return !c.picture.Equal(before) && same() })
}

func TestWindowEndsAndLeavesTheOthers(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	all, err := X11Windows(t.Context(), X11Config{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	kill := start(t, on(display, "xterm", "-class", "One"))
	window := findWindow(t, display, "One")
	s, err := all.Open(t.Context(), window, 0)
	c := draw(t, s, err)
	c.until(t, "first picture", func() bool { return c.picture != nil })
	kill()
	if err := c.ends(t); err != io.EOF {
		t.Errorf("ended with %v", err)
	}
	if _, err := all.Open(t.Context(), window, 0); err == nil {
		t.Error("a window that is gone was opened")
	}
	if err := all.Input(window, wire.Pointer{X: 1, Y: 1}); err == nil {
		t.Error("input went to a window that is gone")
	}
	if err := all.Input(0, wire.Key{Code: 30}); err != nil {
		t.Error(err)
	}
}

// shadowed makes a window of 32 bits with a shadow around a half clear middle.
func shadowed(t testing.TB, display string) (window uint32) {
	t.Helper()
	x, err := dialX(t.Context(), display, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.conn.Close() })
	visual := deepVisual(t, display)
	window, colormap, gc := x.id(), x.id(), x.id()
	const backPixel, borderPixel, withColormap, foreground, replace = 1 << 1, 1 << 3, 1 << 13, 1 << 2, 0
	x.request(78, 0, words(colormap, x.screen.root, visual)) // CreateColormap
	x.request(1, 32, words(window, x.screen.root, shorts(30, 40), shorts(120, 100), 1<<16, visual,
		backPixel|borderPixel|withColormap, 0x80000000, 0, colormap)) // CreateWindow
	extents, err := x.atom(extentsName)
	if err != nil {
		t.Fatal(err)
	}
	x.request(18, replace, words(window, extents, cardinal, 32, 4, 10, 11, 12, 13)) // ChangeProperty
	x.request(8, 0, words(window))                                                  // MapWindow
	x.request(55, 0, words(gc, window, foreground, 0x80402010))                     // CreateGC
	x.request(70, 0, words(window, gc, shorts(10, 12), shorts(99, 75)))             // PolyFillRectangle
	if err := x.sync(); err != nil {
		t.Fatal(err)
	}
	return window
}

func deepVisual(t testing.TB, display string) uint32 {
	t.Helper()
	id := ""
	for line := range strings.Lines(run(t, on(display, "xdpyinfo"))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch value = strings.TrimSpace(value); {
		case name == "visual id":
			id = value
		case name == "depth" && strings.HasPrefix(value, "32 "):
			n, err := strconv.ParseUint(id, 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			return uint32(n)
		}
	}
	t.Fatal("no visual of 32 bits")
	return 0
}

// TestWindowLosesItsShadow: what is clear counts as black, as on the display.
func TestWindowLosesItsShadow(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	window := shadowed(t, display)
	all, err := X11Windows(t.Context(), X11Config{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	s, err := all.Open(t.Context(), window, 0)
	c := draw(t, s, err)
	c.until(t, "the middle", func() bool {
		return c.picture != nil && c.picture.Bounds() == image.Rect(0, 0, 99, 75) &&
			c.pixel(image.Pt(0, 0)) == 0x402010 && c.pixel(image.Pt(98, 74)) == 0x402010
	})
	if err := all.Input(window, wire.Pointer{X: 3, Y: 4}); err != nil {
		t.Fatal(err)
	}
	if got := run(t, on(display, "xdotool", "getmouselocation")); !strings.HasPrefix(got, "x:43 y:56 ") {
		t.Errorf("pointer at %s", got)
	}
	run(t, on(display, "xprop", "-id", strconv.Itoa(int(window)), "-remove", extentsName))
	c.until(t, "all of it", func() bool {
		return c.picture.Bounds() == image.Rect(0, 0, 120, 100) && c.pixel(image.Pt(0, 0)) == 0 && c.pixel(image.Pt(11, 13)) == 0x402010
	})
}

// TestInputGoesToACoveredWindow: with a manager, a covered window is raised
// before it gets the pointer, and has the focus before it gets a key.
func TestInputGoesToACoveredWindow(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	text := typed(t, display)
	below := findWindow(t, display, "xterm")
	start(t, on(display, "xterm", "-class", "Above", "-geometry", "120x40+0+0"))
	above := findWindow(t, display, "Above")
	start(t, on(display, "openbox", "--sm-disable")) // what is there is managed for sure
	all, err := X11Windows(t.Context(), X11Config{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	until(t, "managed", func() bool {
		all.input.mu.Lock()
		defer all.input.mu.Unlock()
		a, err := all.input.conn.top(below)
		b, err2 := all.input.conn.top(above)
		return err == nil && err2 == nil && a != below && b != above
	})
	for _, window := range []uint32{below, above, below} {
		until(t, "the pointer is in its window", func() bool {
			if err := all.Input(window, wire.Pointer{X: 20, Y: 20}); err != nil {
				t.Fatal(err)
			}
			return pointed(t, all) == all.aim.top && all.aim.window == window
		})
	}
	for _, event := range []wire.Message{wire.Pointer{X: 21, Y: 21}, wire.Wheel{DY: 120}, wire.Button{Button: 1, Down: true}} {
		run(t, on(display, "xdotool", "windowraise", strconv.Itoa(int(above))))
		until(t, "another one lies above", func() bool { return pointed(t, all) != all.aim.top })
		until(t, "the pointer is in its window again", func() bool {
			if err := all.Input(below, event); err != nil {
				t.Fatal(err)
			}
			return pointed(t, all) == all.aim.top
		})
	}
	if err := all.Input(below, wire.Button{Button: 1}); err != nil {
		t.Fatal(err)
	}
	const a, enter = 30, 28
	until(t, "typed", func() bool {
		for _, code := range []uint16{a, enter} {
			for _, down := range []bool{true, false} {
				if err := all.Input(below, wire.Key{Code: code, Down: down}); err != nil {
					t.Fatal(err)
				}
			}
		}
		return strings.Contains(text(), "a\n")
	})
}

// pointed gives the child of the root that has the pointer.
func pointed(t testing.TB, all *XWindows) uint32 {
	t.Helper()
	all.input.mu.Lock()
	defer all.input.mu.Unlock()
	window, err := all.input.conn.pointed()
	if err != nil {
		t.Fatal(err)
	}
	return window
}

// until polls what another program does.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
