package yuv

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slope is pixels whose channels rise slowly, so that halving loses little.
func slope(w, h int) []byte {
	pix := make([]byte, w*h*4)
	for y := range h {
		for x := range w {
			at := (y*w + x) * 4
			b, g := (2*x+1)*255/(2*w), (2*y+1)*255/(2*h)
			pix[at], pix[at+1], pix[at+2] = byte(b), byte(g), byte((b+g)/2)
		}
	}
	return pix
}

// furthest is the largest difference of a channel; every step-th byte is
// padding.
func furthest(a, b []byte, padded bool) int {
	most := 0
	for i := range a {
		if padded && i%4 == 3 {
			continue
		}
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

func sizes(t *testing.T, check func(t *testing.T, w, h int, full bool)) {
	for _, full := range []bool{false, true} {
		for _, s := range [][2]int{{64, 48}, {65, 49}, {1, 1}, {2, 1}, {1, 3}, {333, 7}} {
			t.Run(fmt.Sprintf("%dx%d full %v", s[0], s[1], full), func(t *testing.T) { check(t, s[0], s[1], full) })
		}
	}
}

func TestPlainKeepsColours(t *testing.T) {
	sizes(t, func(t *testing.T, w, h int, full bool) {
		pix, back := slope(w, h), make([]byte, w*h*4)
		m := New(w, h, full)
		m.fromBGRX(pix, w*4)
		m.toBGRX(back, w*4)
		limit := 4
		if !full {
			limit += 2 * 255 / min(w, h)
		}
		if n := furthest(pix, back, true); n > limit {
			t.Errorf("a channel is off by %d", n)
		}
	})
}

func TestPlainScalesASlopeToASlope(t *testing.T) {
	for _, to := range [][2]int{{40, 30}, {80, 60}, {160, 120}, {33, 77}} {
		src, dst, want := New(80, 60, true), New(to[0], to[1], true), New(to[0], to[1], true)
		src.fromBGRX(slope(80, 60), 80*4)
		want.fromBGRX(slope(to[0], to[1]), to[0]*4)
		for p := range src.Planes {
			dst.scale(src, p)
		}
		for p := range dst.Planes {
			for y := range to[1] {
				if n := furthest(dst.row(p, y), want.row(p, y), false); n > 4 {
					t.Fatalf("%v: plane %d row %d is off by %d", to, p, y, n)
				}
			}
		}
	}
}

// need gives libyuv. Where CI says so it must be there.
func need(t testing.TB) *libyuv {
	t.Helper()
	l := library()
	if l == nil && os.Getenv("CI") != "" {
		t.Fatal("libyuv.so.0 is missing: build/deps.sh run")
	}
	if l == nil {
		t.Skip("no libyuv.so.0: build/deps.sh run")
	}
	return l
}

func TestLibraryEqualsPlain(t *testing.T) {
	l := need(t)
	sizes(t, func(t *testing.T, w, h int, full bool) {
		pix := slope(w, h)
		a, b := New(w, h, full), New(w, h, full)
		a.fromBGRX(pix, w*4)
		l.fromBGRX(b, pix, w*4)
		for p := range a.Planes {
			_, rows := a.Size(p)
			for y := range rows {
				if n := furthest(a.row(p, y), b.row(p, y), false); n > 2 {
					t.Errorf("plane %d row %d is off by %d", p, y, n)
				}
			}
		}
		one, two := make([]byte, w*h*4), make([]byte, w*h*4)
		a.toBGRX(one, w*4)
		l.toBGRX(a, two, w*4)
		if n := furthest(one, two, true); n > 3 {
			t.Errorf("a channel is off by %d", n)
		}
	})
}

func TestLibraryKeepsToItsRows(t *testing.T) {
	l := need(t)
	const w, h, stride = 37, 11, 200
	pix := make([]byte, stride*h)
	m := New(w, h, false)
	m.fromBGRX(slope(w, h), w*4)
	l.toBGRX(m, pix, stride)
	for y := range h {
		for _, b := range pix[y*stride+w*4 : (y+1)*stride] {
			if b != 0 {
				t.Fatalf("row %d was written beyond its end", y)
			}
		}
	}
}

func bench(b *testing.B, run func(m, half *Image, pix []byte)) {
	for _, full := range []bool{false, true} {
		b.Run(fmt.Sprintf("full=%v", full), func(b *testing.B) {
			pix := slope(1920, 1080)
			m, half := New(1920, 1080, full), New(960, 540, full)
			for b.Loop() {
				run(m, half, pix)
			}
		})
	}
}

func BenchmarkLibrary(b *testing.B) {
	l := need(b)
	b.Run("from", func(b *testing.B) { bench(b, func(m, _ *Image, pix []byte) { l.fromBGRX(m, pix, 1920*4) }) })
	b.Run("to", func(b *testing.B) { bench(b, func(m, _ *Image, pix []byte) { l.toBGRX(m, pix, 1920*4) }) })
	b.Run("halve", func(b *testing.B) { bench(b, func(m, half *Image, _ []byte) { half.Scale(m) }) })
	b.Run("double", func(b *testing.B) { bench(b, func(m, half *Image, _ []byte) { m.Scale(half) }) })
}

func BenchmarkPlain(b *testing.B) {
	b.Run("from", func(b *testing.B) { bench(b, func(m, _ *Image, pix []byte) { m.fromBGRX(pix, 1920*4) }) })
	b.Run("to", func(b *testing.B) { bench(b, func(m, _ *Image, pix []byte) { m.toBGRX(pix, 1920*4) }) })
	b.Run("double", func(b *testing.B) {
		bench(b, func(m, half *Image, _ []byte) {
			for p := range m.Planes {
				m.scale(half, p)
			}
		})
	})
}
