//go:build e2e && linux

package capture

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// twoMonitors starts a display of two monitors, LEFT of 640 and RIGHT of 500
// pixels, which stands lower.
func twoMonitors(t testing.TB) (display string) {
	t.Helper()
	display, _ = xvfb(t, "-screen", "0", "1280x1024x24")
	setMonitor(t, display, "LEFT", image.Rect(0, 0, 640, 1024), "screen")
	setMonitor(t, display, "RIGHT", image.Rect(640, 100, 1140, 500), "none")
	return display
}

func setMonitor(t testing.TB, display, name string, area image.Rectangle, output string) {
	t.Helper()
	geometry := fmt.Sprintf("%d/%dx%d/%d+%d+%d", area.Dx(), area.Dx()/4, area.Dy(), area.Dy()/4, area.Min.X, area.Min.Y)
	run(t, on(display, "xrandr", "--setmonitor", name, geometry, output))
}

// monitor opens one monitor.
func monitor(t testing.TB, display, name string) *canvas {
	t.Helper()
	s, err := X11Monitor(t.Context(), X11Config{Display: display}, name)
	return draw(t, s, err)
}

// shows says whether a canvas is what an area of the display shows.
func (c *canvas) shows(t testing.TB, display string, area image.Rectangle) func() bool {
	return func() bool {
		if c.picture == nil || c.picture.Width != area.Dx() || c.picture.Height != area.Dy() {
			return false
		}
		all := truth(t, display)
		part := codec.Picture{Width: area.Dx(), Height: area.Dy(), Stride: all.Stride, Pix: all.Pix[area.Min.Y*all.Stride+area.Min.X*4:]}
		return c.picture.Equal(&part)
	}
}

// paint fills an area of the root window, above no windows.
func paint(t testing.TB, display string, area image.Rectangle, colour uint32) {
	t.Helper()
	x, err := dialX(t.Context(), display, "")
	if err != nil {
		t.Fatal(err)
	}
	defer x.conn.Close()
	gc := x.id()
	const foreground, subwindows, withInferiors = 1 << 2, 1 << 15, 1
	x.request(55, 0, words(gc, x.screen.root, foreground|subwindows, colour, withInferiors)) // CreateGC
	x.request(70, 0, words(x.screen.root, gc, shorts(area.Min.X, area.Min.Y), shorts(area.Dx(), area.Dy())))
	if err := x.sync(); err != nil {
		t.Fatal(err)
	}
}

func TestX11Monitors(t *testing.T) {
	display := twoMonitors(t)
	all, err := X11Monitors(t.Context(), X11Config{Display: display})
	want := []Monitor{{"LEFT", image.Rect(0, 0, 640, 1024), false}, {"RIGHT", image.Rect(640, 100, 1140, 500), false}}
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("%v, %v", all, err)
	}
	run(t, on(display, "xrandr", "--delmonitor", "RIGHT"))
	setMonitor(t, display, "*RIGHT", image.Rect(640, 100, 1500, 1500), "none") // beyond the display
	all, err = X11Monitors(t.Context(), X11Config{Display: display})
	want = []Monitor{{"RIGHT", image.Rect(640, 100, 1280, 1024), true}, {"LEFT", image.Rect(0, 0, 640, 1024), false}}
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := X11Monitor(t.Context(), X11Config{Display: display}, "HDMI-1"); !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
		t.Error(err)
	}
}

func TestOlderRandrKnowsMonitorsToo(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "1280x1024x24")
	x, err := dialX(t.Context(), display, "")
	if err != nil {
		t.Fatal(err)
	}
	defer x.conn.Close()
	r, err := openRandr(x)
	if err != nil {
		t.Fatal(err)
	}
	now, err := r.monitors()
	if err != nil || !r.lists || len(now) != 1 {
		t.Fatal(now, err)
	}
	r.lists = false
	if before, err := r.monitors(); err != nil || !slices.Equal(before, now) {
		t.Errorf("%v, %v, not %v", before, err, now)
	}
}

// TestMonitorsAreExact draws on both monitors at once: each source has its part,
// and only that.
func TestMonitorsAreExact(t *testing.T) {
	display := twoMonitors(t)
	left, right := monitor(t, display, "LEFT"), monitor(t, display, "RIGHT")
	run(t, on(display, "xsetroot", "-solid", "#123456"))
	start(t, on(display, "xterm", "-geometry", "70x30+20+30", "-e", "sh", "-c", "for i in $(seq 2000); do echo line $i of many; done; cat"))
	start(t, on(display, "xterm", "-geometry", "50x20+700+130", "-e", "sh", "-c", "for i in $(seq 2000); do echo another $i; done; cat"))
	start(t, on(display, "xeyes", "-geometry", "300x150+540+300")) // on both
	drawn := func(c *canvas, p image.Point) func() bool {
		return func() bool { return c.pixel(p) != 0x123456 && c.pixel(image.Pt(5, 5)) == 0x123456 }
	}
	left.until(t, "xterm on the left", drawn(left, image.Pt(200, 200)))
	right.until(t, "xterm on the right", drawn(right, image.Pt(200, 100)))
	left.until(t, "left", left.shows(t, display, image.Rect(0, 0, 640, 1024)))
	right.until(t, "right", right.shows(t, display, image.Rect(640, 100, 1140, 500)))
	for i := range 30 { // damage of both, and around, in every order
		for j, area := range []image.Rectangle{image.Rect(600, 200, 700, 260), image.Rect(10, 10, 30, 30), image.Rect(1120, 480, 1200, 520),
			image.Rect(650, 110, 660, 120), image.Rect(0, 0, 1280, 1024)} {
			if (i+j)%3 != 0 {
				paint(t, display, area, uint32(i*977+j*65537)&0xffffff)
			}
		}
	}
	left.until(t, "left again", left.shows(t, display, image.Rect(0, 0, 640, 1024)))
	right.until(t, "right again", right.shows(t, display, image.Rect(640, 100, 1140, 500)))
	if right.cursor == nil || right.cursor.Width == 0 {
		t.Error("no cursor")
	}
}

// TestAnotherMonitorWakesNobody: what is drawn elsewhere is not fetched, and what
// is drawn here then is fetched by itself, however much was drawn there.
func TestAnotherMonitorWakesNobody(t *testing.T) {
	display := twoMonitors(t)
	run(t, on(display, "xsetroot", "-solid", "#123456"))
	s, err := X11Monitor(t.Context(), X11Config{Display: display}, "RIGHT")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	next := func(what string) Change {
		t.Helper()
		change, err := s.Next()
		if err != nil {
			t.Fatal(what, err)
		}
		return change
	}
	if first := next("first"); first.Whole == nil || first.Width != 500 || first.Height != 400 {
		t.Fatalf("first %dx%d", first.Width, first.Height)
	}
	for i := range 20 {
		paint(t, display, image.Rect(0, 0, 640, 1024), uint32(i))
		paint(t, display, image.Rect(640, 500, 1280, 1024), uint32(i)) // the bounds are now those of the display
		spot := image.Rect(700+i, 200, 710+i, 215)
		paint(t, display, spot, uint32(i))
		change := next("a spot")
		if change.Whole != nil || len(change.Patches) != 1 || change.Patches[0].Rect != spot.Sub(image.Pt(640, 100)) {
			t.Fatalf("round %d: whole %v, patches %v", i, change.Whole != nil, change.Patches)
		}
	}
	paint(t, display, image.Rect(0, 0, 640, 1024), 0xffffff)
	s.Wake()
	if change := next("nothing"); change.Width != 0 {
		t.Errorf("a change of another monitor: %v", change.Patches)
	}
}

func TestMonitorTakesThePointer(t *testing.T) {
	display := twoMonitors(t)
	right := monitor(t, display, "RIGHT")
	right.until(t, "first picture", func() bool { return right.picture != nil })
	x, err := dialX(t.Context(), display, "")
	if err != nil {
		t.Fatal(err)
	}
	defer x.conn.Close()
	for given, want := range map[image.Point]image.Point{{3, 4}: {643, 104}, {499, 399}: {1139, 499}, {60000, 60000}: {1139, 499}, {0, 0}: {640, 100}} {
		if err := right.source.Input(wire.Pointer{X: uint16(given.X), Y: uint16(given.Y)}); err != nil {
			t.Fatal(err)
		}
		right.until(t, fmt.Sprint("pointer at ", want), func() bool {
			b, err := x.call(38, 0, words(x.screen.root)) // QueryPointer
			if err != nil {
				t.Fatal(err)
			}
			return image.Pt(int(le.Uint16(b[16:])), int(le.Uint16(b[18:]))) == want
		})
	}
	text := typedAt(t, display, "40x10+700+150")
	if err := right.source.Input(wire.Pointer{X: 100, Y: 100}); err != nil { // without a manager, keys follow the pointer
		t.Fatal(err)
	}
	right.until(t, "typed text", func() bool {
		for _, event := range []wire.Message{wire.Key{Code: 23, Down: true}, wire.Key{Code: 23}, wire.Text{Text: "x"},
			wire.Key{Code: 28, Down: true}, wire.Key{Code: 28}} {
			if err := right.source.Input(event); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Contains(text(), "ix\n")
	})
	if err := right.source.Resize(300, 200); !errors.Is(err, fusion.ErrUnsupported) {
		t.Error(err)
	}
}

func TestMonitorIsFollowed(t *testing.T) {
	display := twoMonitors(t)
	for i := range 16 { // a picture without two equal places
		for j := range 16 {
			paint(t, display, image.Rect(j*80, i*64, j*80+80, i*64+64), uint32(i*16+j)*1024)
		}
	}
	right := monitor(t, display, "RIGHT")
	right.until(t, "first picture", right.shows(t, display, image.Rect(640, 100, 1140, 500)))
	for _, area := range []image.Rectangle{
		image.Rect(700, 200, 1200, 600),   // moved
		image.Rect(700, 200, 1000, 900),   // another shape
		image.Rect(100, 0, 1400, 2000),    // beyond the display
		image.Rect(640, 100, 1140, 500),   // and back
		image.Rect(1000, 900, 1280, 1024), // into the corner
	} {
		run(t, on(display, "xrandr", "--delmonitor", "RIGHT"))
		setMonitor(t, display, "RIGHT", area, "none")
		shown := area.Intersect(image.Rect(0, 0, 1280, 1024))
		right.until(t, fmt.Sprint("monitor at ", area), right.shows(t, display, shown))
		spot := image.Rectangle{Min: shown.Min.Add(image.Pt(7, 9)), Max: shown.Min.Add(image.Pt(20, 30))}
		paint(t, display, spot, 0xabcdef)
		right.until(t, "drawing there", right.shows(t, display, shown))
	}
	run(t, on(display, "xrandr", "--newmode", "small", "20", "640", "640", "640", "640", "480", "480", "480", "480"))
	run(t, on(display, "xrandr", "--addmode", "screen", "small"))
	run(t, on(display, "xrandr", "--delmonitor", "RIGHT"))
	setMonitor(t, display, "RIGHT", image.Rect(300, 100, 800, 900), "none")
	right.until(t, "over the edge to come", right.shows(t, display, image.Rect(300, 100, 800, 900)))
	run(t, on(display, "xrandr", "--output", "screen", "--mode", "small"))
	right.until(t, "what is left of a smaller display", right.shows(t, display, image.Rect(300, 100, 640, 480)))
}

func TestMonitorThatIsUnplugged(t *testing.T) {
	display := twoMonitors(t)
	right := monitor(t, display, "RIGHT")
	right.until(t, "first picture", right.shows(t, display, image.Rect(640, 100, 1140, 500)))
	began := time.Now()
	run(t, on(display, "xrandr", "--delmonitor", "RIGHT"))
	paint(t, display, image.Rect(640, 100, 700, 200), 0xabcdef)
	err := right.ends(t)
	if !errors.Is(err, fusion.ErrNotFound) || !strings.Contains(err.Error(), "RIGHT is not connected") || fusion.Hint(err) == "" {
		t.Errorf("ended with %v, hint %q", err, fusion.Hint(err))
	}
	if right.pixel(image.Pt(10, 10)) == 0xabcdef || time.Since(began) < returnTime {
		t.Errorf("it ended after %v, or showed more", time.Since(began))
	}
}

// TestMonitorIsSpared: pixels that nobody needs are left out, as of a display.
func TestMonitorIsSpared(t *testing.T) {
	display := twoMonitors(t)
	right := monitor(t, display, "RIGHT")
	area := image.Rect(640, 100, 1140, 500)
	paint(t, display, area, 0x111111)
	right.until(t, "first picture", right.shows(t, display, area))
	look := &codec.Look{Area: image.Rect(0, 0, 500, 400), Rects: []image.Rectangle{{Max: image.Pt(500, 32)}}}
	right.source.(Sparing).Spare(look)
	paint(t, display, area, 0x222222)
	right.until(t, "a part", func() bool { return right.look == look })
	if top, rest := right.pixel(image.Pt(5, 5)), right.pixel(image.Pt(300, 300)); top != 0x222222 || rest != 0x111111 {
		t.Errorf("it has %x of the part, and %x of the rest", top, rest)
	}
	right.source.(Sparing).Fetch()
	right.until(t, "the rest", right.shows(t, display, area))
}

// BenchmarkMonitorGrab is how long a small change of RIGHT takes to its picture,
// alone, and with all of LEFT drawn before each.
func BenchmarkMonitorGrab(b *testing.B) {
	for _, beside := range []bool{false, true} {
		b.Run(fmt.Sprintf("beside=%v", beside), func(b *testing.B) {
			display := twoMonitors(b)
			right := monitor(b, display, "RIGHT")
			right.until(b, "first picture", func() bool { return right.picture != nil })
			brush := newBrush(b, display)
			places := []image.Rectangle{image.Rect(740, 200, 750, 215)}
			if beside {
				places = []image.Rectangle{image.Rect(0, 0, 640, 1024), places[0]}
			}
			for i := range b.N {
				colour := uint32(i + 1)
				brush.fill(colour, places...)
				for right.pixel(image.Pt(105, 105)) != colour&0xffffff {
					right.apply(<-right.changes)
				}
			}
		})
	}
}
