package codec

import (
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/vpx"
)

// needVPX asks for libvpx. Where CI says so it must be there.
func needVPX(t testing.TB) {
	t.Helper()
	err := vpx.CanEncode()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// cinema is a painter that shows a film to a viewer that takes video, with a
// clock of its own.
type cinema struct {
	*painter
	viewer
	now   time.Time
	films int // frames that held video
	key   int // and began a stream
	bytes int
}

func newCinema(t testing.TB, w, h int, able Able) *cinema {
	needVPX(t)
	c := &cinema{painter: newPainter(w, h, 1), now: time.Unix(100, 0)}
	c.e.video.clock = func() time.Time { return c.now }
	c.e.Able(able)
	c.d.Video = func(w, h int, full bool) (VideoDecoder, error) {
		c.key++
		return OpenVP9(w, h, full)
	}
	t.Cleanup(func() {
		c.d.Close()
		if err := c.e.Close(); err != nil {
			t.Error(err)
		}
	})
	c.step(t, 0)
	return c
}

// sine is a wave of 256 steps.
var sine = func() (s [256]int) {
	for n := range s {
		s[n] = int(100 * math.Sin(float64(n)*math.Pi/128))
	}
	return s
}()

// picture draws picture i of a film: drifting waves with grain.
func (c *cinema) picture(r image.Rectangle, i int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := pixels(c.p.row(y, r.Min.X, r.Max.X))
		for x := range row {
			a, b := sine[(x+i*3)&255], sine[(2*y-i*5+x/2)&255]
			grain := (x*7919 ^ y*104729 ^ i*31) >> 3 & 7
			row[x] = uint32(128+a/2+b/4+grain) | uint32(128+(a+b)/2)<<8 | uint32(128+b+grain)<<16
		}
	}
	c.damage.Add(r)
}

// step lets time pass and sends a frame, if there is one.
func (c *cinema) step(t testing.TB, after time.Duration) {
	t.Helper()
	c.now = c.now.Add(after)
	c.send(t, nil)
}

// send sends a frame, if there is one, with a new cursor unless that is nil.
func (c *cinema) send(t testing.TB, cursor *Cursor) {
	t.Helper()
	frame, err := c.e.Encode(c.p, &c.damage, cursor)
	if err != nil {
		t.Fatal(err)
	}
	c.damage.Clear()
	if frame == nil {
		return
	}
	c.bytes += len(frame)
	if _, err := c.d.Decode(frame); err != nil {
		t.Fatal(err)
	}
	if c.d.video.played {
		c.films++
	}
}

// settle does what Due asks for until nothing is due, and says how long it took.
func (c *cinema) settle(t testing.TB) (took time.Duration, frames int) {
	t.Helper()
	return c.settleWithin(t, 100)
}

// settleWithin is settle in so many frames at most.
func (c *cinema) settleWithin(t testing.TB, most int) (took time.Duration, frames int) {
	t.Helper()
	for {
		wait, ok := c.e.Due()
		if !ok {
			return took, frames
		}
		took, frames = took+wait, frames+1
		c.step(t, wait)
		if frames > most {
			t.Fatal("it does not come to rest")
		}
	}
}

// dB compares what the viewer shows with the source inside r.
func (c *cinema) dB(r image.Rectangle) float64 {
	sum := 0.0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		a, b := c.p.row(y, r.Min.X, r.Max.X), c.d.Picture().row(y, r.Min.X, r.Max.X)
		for i := range a {
			if i%4 != 3 {
				d := float64(a[i]) - float64(b[i])
				sum += d * d
			}
		}
	}
	return 10 * math.Log10(255*255*3*float64(r.Dx()*r.Dy())/max(sum, 1e-9))
}

func TestFilmIsVideoAndRestsExactly(t *testing.T) {
	for _, able := range []Able{Video, VideoAll} {
		t.Run(fmt.Sprint(able), func(t *testing.T) {
			c := newCinema(t, 500, 400, able)
			film := image.Rect(50, 35, 391, 271)
			text := image.Rect(0, 290, 500, 400)
			c.text(text, 4)
			for i := range 60 {
				c.picture(film, i)
				c.step(t, 33*time.Millisecond)
				if i%10 == 0 && !equalIn(c.p, c.d.Picture(), text) {
					t.Fatal("text beside the film is not exact")
				}
			}
			if c.films < 40 || c.key != 1 {
				t.Fatalf("%d of 60 pictures were video, %d streams", c.films, c.key)
			}
			if n := c.dB(film); n < 24 {
				t.Errorf("%.1f dB", n)
			}
			took, frames := c.settle(t)
			if !c.d.Picture().Equal(c.p) {
				t.Error("not exact after rest")
			}
			if took > maxRest {
				t.Errorf("rest took %v in %d frames", took, frames)
			}
		})
	}
}

// equalIn says whether two pictures show the same in r.
func equalIn(a, b *Picture, r image.Rectangle) bool { return !differs(a, b, r) }

// TestWhatRestsInsideAFilmIsExact draws text into a film that goes on.
func TestWhatRestsInsideAFilmIsExact(t *testing.T) {
	c := newCinema(t, 500, 400, Video)
	film, line := image.Rect(0, 0, 448, 384), image.Rect(128, 192, 384, 256)
	for i := range 90 {
		c.picture(film, i)
		if i == 40 {
			c.text(line, 4)
		}
		if i > 40 {
			keep(c, line)
		}
		c.step(t, 33*time.Millisecond)
	}
	if c.films < 60 {
		t.Fatalf("%d pictures were video", c.films)
	}
	if !equalIn(c.p, c.d.Picture(), line) {
		t.Errorf("text that rests inside a film is not exact: %.1f dB", c.dB(line))
	}
}

// keep draws the line as it was.
func keep(c *cinema, line image.Rectangle) { c.p.take(c.e.shown, line) }

// TestNothingIsCopiedOutOfAFilm moves a film's last picture while it is only
// inexactly shown.
func TestNothingIsCopiedOutOfAFilm(t *testing.T) {
	c := newCinema(t, 400, 400, Video)
	film := image.Rect(0, 0, 320, 256)
	for i := range 40 {
		c.picture(film, i)
		c.step(t, 33*time.Millisecond)
	}
	if c.films == 0 {
		t.Fatal("no video")
	}
	c.move(image.Pt(0, 110), image.Rect(0, 50, 320, 256))
	c.step(t, 10*time.Millisecond)
	c.settle(t)
	if !c.d.Picture().Equal(c.p) {
		t.Errorf("the viewer differs in %v", differing(c.p, c.d.Picture()))
	}
}

// TestScrollingTextIsNoVideo scrolls a large page of shaded text.
func TestScrollingTextIsNoVideo(t *testing.T) {
	c := newCinema(t, 500, 400, VideoAll)
	page := image.Rect(50, 50, 450, 350)
	c.text(page, 100)
	for range 120 {
		c.move(page.Min, image.Rect(50, 63, 450, 350))
		c.text(image.Rect(50, 337, 450, 350), 100)
		c.step(t, 16*time.Millisecond)
		if !c.d.Picture().Equal(c.p) {
			t.Fatal("not exact")
		}
	}
	if c.films > 0 {
		t.Errorf("%d frames were video", c.films)
	}
}

// TestScrollOfAFilmedPageEndsTheVideo scrolls a page where a film was.
func TestScrollOfAFilmedPageEndsTheVideo(t *testing.T) {
	c := newCinema(t, 500, 400, Video)
	page := image.Rect(0, 0, 448, 384)
	for i := range 40 {
		c.picture(page, i)
		c.step(t, 33*time.Millisecond)
	}
	c.text(page, 100)
	films := c.films
	for range 60 {
		c.move(page.Min, image.Rect(0, 13, 448, 384))
		c.text(image.Rect(0, 371, 448, 384), 100)
		c.step(t, 16*time.Millisecond)
	}
	if n := c.films - films; films == 0 || n > scrolls+1 {
		t.Errorf("%d frames were video before the scroll and %d of it", films, n)
	}
	c.settle(t)
	if !c.d.Picture().Equal(c.p) {
		t.Error("not exact")
	}
}

// TestKeyFrameAmidFilm asks for a key frame, as a newcomer does.
func TestKeyFrameAmidFilm(t *testing.T) {
	c := newCinema(t, 320, 256, Video)
	for i := range 80 {
		c.picture(c.p.Bounds(), i)
		if i == 50 {
			c.e.Refresh()
		}
		c.step(t, 33*time.Millisecond)
		if i == 50 && !c.d.Picture().Equal(c.p) {
			t.Error("the key frame is not exact")
		}
	}
	if c.films < 40 || c.key != 2 {
		t.Errorf("%d pictures were video, %d streams", c.films, c.key)
	}
}

func TestViewerWithoutVideoGetsTiles(t *testing.T) {
	c := newCinema(t, 320, 256, Tiles)
	c.d.Video = nil
	for i := range 40 {
		c.picture(c.p.Bounds(), i)
		c.step(t, 33*time.Millisecond)
		if !c.d.Picture().Equal(c.p) {
			t.Fatal("not exact")
		}
	}
}

// TestVideoHasTheRateOfThePath changes what the path carries amid a film.
func TestVideoHasTheRateOfThePath(t *testing.T) {
	c := newCinema(t, 640, 384, Video)
	seconds := func(n, rate int) (bits int) {
		c.e.Rate = rate
		for i := range n * 30 {
			if i == (n-1)*30 {
				bits = -c.bytes * 8
			}
			c.picture(c.p.Bounds(), i)
			c.step(t, time.Second/30)
		}
		return bits + c.bytes*8
	}
	seconds(3, 0)
	free, narrow := seconds(3, 0), seconds(4, 600_000)
	again := seconds(4, 0)
	if t.Logf("%d, %d, %d bits a second", free, narrow, again); c.films < 200 || narrow > 800_000 || free < 850_000 || again < 850_000 {
		t.Errorf("%d frames of video, %d, %d, %d bits a second", c.films, free, narrow, again)
	}
}

// TestAbilityTakenAway lets a viewer that takes tiles only join a film.
func TestAbilityTakenAway(t *testing.T) {
	c := newCinema(t, 320, 256, Video)
	for i := range 60 {
		c.picture(c.p.Bounds(), i)
		if i == 50 {
			c.e.Able(Tiles)
		}
		c.step(t, 33*time.Millisecond)
	}
	c.settle(t)
	if !c.d.Picture().Equal(c.p) {
		t.Error("not exact")
	}
}

// op5 is a frame of 100×70 pixels with one video operation, changed by edit.
func op5(edit func(b []byte) []byte) []byte {
	b := []byte{opVideo, 0, 0, 0, 0, 0, 100, 0, 70, codecVP9, videoKey, 0, 100, 0, 70, 0xf0, 0, 0, 0, 3, 1, 2, 3}
	return append([]byte{flagKey, 0, 100, 0, 70}, edit(b)...)
}

func TestStrangeVideoIsRefused(t *testing.T) {
	same := func(b []byte) []byte { return b }
	set := func(at int, v byte) func([]byte) []byte {
		return func(b []byte) []byte { b[at] = v; return b }
	}
	for name, c := range map[string]struct {
		frame []byte
		open  func(int, int, bool) (VideoDecoder, error)
	}{
		"not announced":            {op5(same), nil},
		"no VP9 at all":            {op5(same), OpenVP9},
		"an unknown codec":         {op5(set(9, 2)), OpenVP9},
		"an unknown flag":          {op5(set(10, 5)), OpenVP9},
		"no key frame":             {op5(set(10, 0)), OpenVP9},
		"larger than its place":    {op5(set(12, 101)), OpenVP9},
		"an empty video":           {op5(set(12, 0)), OpenVP9},
		"outside of the picture":   {op5(set(2, 1)), OpenVP9},
		"cut off":                  {op5(func(b []byte) []byte { return b[:len(b)-1] }), OpenVP9},
		"a length beyond all ends": {op5(set(16, 255)), OpenVP9},
		"no data":                  {op5(func(b []byte) []byte { b[19] = 0; return b[:20] }), OpenVP9},
	} {
		d := Decoder{Video: c.open}
		if _, err := d.Decode(c.frame); !errors.Is(err, fusion.ErrInvalid) && !errors.Is(err, fusion.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
		d.Close()
	}
}

func BenchmarkFilm(b *testing.B) {
	for _, able := range []Able{Tiles, Video} {
		b.Run(fmt.Sprint("able=", able), func(b *testing.B) {
			c := newCinema(b, 1920, 1080, able)
			c.e.video.clock = nil
			for i := range 60 {
				c.picture(c.p.Bounds(), i)
				c.step(b, 0)
			}
			c.bytes = 0
			var enc, dec time.Duration
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				c.picture(c.p.Bounds(), 60+i)
				b.StartTimer()
				began := time.Now()
				frame, err := c.e.Encode(c.p, &c.damage, nil)
				if err != nil {
					b.Fatal(err)
				}
				coded := time.Now()
				if _, err := c.d.Decode(frame); err != nil {
					b.Fatal(err)
				}
				enc, dec = enc+coded.Sub(began), dec+time.Since(coded)
				c.bytes += len(frame)
			}
			n := float64(b.N)
			b.ReportMetric(enc.Seconds()*1000/n, "encode-ms")
			b.ReportMetric(dec.Seconds()*1000/n, "decode-ms")
			b.ReportMetric(float64(c.bytes)/n, "bytes/frame")
			b.ReportMetric(float64(c.e.video.pace.quality), "quality")
		})
	}
}

// TestAnythingDrawnAmidFilmsRestsExactly draws at random over, beside and out
// of films, with key frames and viewers that come and go in between.
func TestAnythingDrawnAmidFilmsRestsExactly(t *testing.T) {
	films := 0
	for seed := range 30 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCinema(t, 270, 210, Video)
			c.anything(t, rand.New(rand.NewPCG(uint64(seed), 2)))
			c.settle(t)
			if !c.d.Picture().Equal(c.p) {
				t.Errorf("the viewer differs in %v", differing(c.p, c.d.Picture()))
			}
			films += c.films
		})
	}
	if films < 100 {
		t.Errorf("only %d frames were video", films)
	}
}

func (c *cinema) anything(t *testing.T, r *rand.Rand) {
	somewhere := func() image.Rectangle {
		x, y := r.IntN(c.p.Width-20), r.IntN(c.p.Height-20)
		return image.Rect(x, y, x+20+r.IntN(c.p.Width-20-x), y+20+r.IntN(c.p.Height-20-y))
	}
	film := image.Rect(0, 0, 200, 140).Add(image.Pt(r.IntN(70), r.IntN(70)))
	for i := range 40 {
		if r.IntN(10) > 0 {
			c.picture(film, i)
		}
		switch r.IntN(15) {
		case 0:
			c.text(somewhere(), 4)
		case 1:
			c.fill(somewhere(), 0x123456)
		case 2: // a window moves, perhaps out of the film
			from := somewhere()
			c.move(image.Pt(r.IntN(c.p.Width-from.Dx()+1), r.IntN(c.p.Height-from.Dy()+1)), from)
		case 3, 4: // a page is scrolled a while
			page := somewhere()
			c.text(page, 4)
			for range 6 {
				c.move(page.Min, image.Rect(page.Min.X, page.Min.Y+9, page.Max.X, page.Max.Y))
				c.step(t, 16*time.Millisecond)
			}
		case 5, 6: // and one with the film in it
			for range 6 {
				c.move(film.Min, image.Rect(film.Min.X, film.Min.Y+13, film.Max.X, film.Max.Y))
				c.step(t, 16*time.Millisecond)
			}
		case 7:
			c.e.Refresh()
		case 8:
			c.e.Able(Able(r.IntN(3)))
		}
		c.step(t, time.Duration(5+r.IntN(100))*time.Millisecond)
	}
}
