package surface

import (
	"image"
	"testing"
	"time"

	"hither/mirror/codec"
)

func TestPlace(t *testing.T) {
	for _, c := range []struct{ area, picture, pan, want int }{
		{100, 60, 0, 20},
		{100, 100, 50, 0},
		{100, 160, 0, 0},
		{100, 160, 30, -30},
		{100, 160, 90, -60},
		{100, 160, -5, 0},
		{101, 100, 0, 0},
	} {
		if got := placeAxis(c.area, c.picture, c.pan); got != c.want {
			t.Errorf("placeAxis(%d, %d, %d) = %d, want %d", c.area, c.picture, c.pan, got, c.want)
		}
	}
}

func TestPanReachesBothEnds(t *testing.T) {
	for _, c := range []struct{ p, want int }{{0, 0}, {edge, 0}, {100, 50}, {200 - edge, 100}, {250, 100}, {-9, 0}} {
		if got := panAxis(200, 300, c.p); got != c.want {
			t.Errorf("panAxis(200, 300, %d) = %d, want %d", c.p, got, c.want)
		}
	}
	if got := panAxis(200, 150, 120); got != 0 {
		t.Errorf("a small picture moved by %d", got)
	}
}

func TestToSource(t *testing.T) {
	origin, picture := image.Pt(20, -30), image.Pt(60, 200)
	for _, c := range []struct{ p, want image.Point }{
		{image.Pt(20, 0), image.Pt(0, 30)},
		{image.Pt(0, 500), image.Pt(0, 199)},
		{image.Pt(90, -40), image.Pt(59, 0)},
	} {
		if got := toSource(c.p, origin, picture); got != c.want {
			t.Errorf("toSource(%v) = %v, want %v", c.p, got, c.want)
		}
	}
}

func TestAroundCoversTheRestOnce(t *testing.T) {
	area := image.Pt(20, 10)
	for _, picture := range []image.Rectangle{
		image.Rect(5, 2, 15, 8), image.Rect(0, 0, 20, 10), image.Rect(-5, 3, 30, 4), image.Rect(5, -5, 8, 40),
	} {
		count := make(map[image.Point]int)
		for _, r := range append(around(area, picture), picture.Intersect(image.Rectangle{Max: area})) {
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					count[image.Pt(x, y)]++
				}
			}
		}
		for p, n := range count {
			if n != 1 || !p.In(image.Rectangle{Max: area}) {
				t.Errorf("picture %v: pixel %v is covered %d times", picture, p, n)
			}
		}
		if len(count) != area.X*area.Y {
			t.Errorf("picture %v: %d pixels covered of %d", picture, len(count), area.X*area.Y)
		}
	}
}

func TestBorder(t *testing.T) {
	outer := image.Pt(104, 104)
	for _, c := range []struct {
		size int
		full bool
		want int
	}{{100, false, frame}, {104, false, frame}, {100, true, frame}, {101, true, 0}} {
		if got := borderOf(outer, image.Pt(c.size, 50), c.full); got != c.want {
			t.Errorf("borderOf(%d, %v) = %d, want %d", c.size, c.full, got, c.want)
		}
	}
}

func TestPremultiply(t *testing.T) {
	got, w, h := premultiply(&codec.Cursor{Width: 2, Height: 1, Pix: []byte{255, 100, 0, 255, 200, 100, 50, 128}})
	want := []byte{0, 100, 255, 255, 25, 50, 100, 128}
	if w != 2 || h != 1 || string(got) != string(want) {
		t.Errorf("premultiply = %v %d×%d, want %v", got, w, h, want)
	}
	if got, w, h := premultiply(&codec.Cursor{}); w != 1 || h != 1 || len(got) != 4 {
		t.Errorf("a hidden cursor is %v %d×%d", got, w, h)
	}
}

func TestSizer(t *testing.T) {
	now := time.Unix(100, 0)
	s := &sizer{now: func() time.Time { return now }}
	vga, svga, drag := image.Pt(640, 480), image.Pt(800, 600), image.Pt(700, 500)
	s.told(vga)
	if s.windowIs(vga, vga) {
		t.Error("the first size was taken for the person's")
	}
	if !s.sourceIs(svga) {
		t.Error("the window does not follow the source")
	}
	if s.windowIs(image.Pt(780, 590), svga) {
		t.Error("the window manager's bound was taken for the person's size")
	}
	if !s.windowIs(drag, svga) {
		t.Error("the person's size is not asked for")
	}
	if s.windowIs(drag, svga) {
		t.Error("the same size is asked for twice")
	}
	if s.sourceIs(image.Pt(696, 500)) {
		t.Error("the window follows the answer to its own question")
	}
	if !s.windowIs(vga, svga) {
		t.Error("the person's second size is not asked for")
	}
	now = now.Add(answerTime)
	if !s.sourceIs(svga) {
		t.Error("the window does not follow the source later")
	}
	s.setFull(true)
	if s.sourceIs(vga) {
		t.Error("full screen follows the source")
	}
}
