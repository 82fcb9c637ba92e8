package codec

import (
	"image"
	"testing"
	"time"
)

// deliver sends a frame to a viewer, and gives its bytes.
func (p *painter) deliver(t *testing.T, e *Encoder, d *Decoder) int {
	t.Helper()
	frame, err := e.Encode(p.p, &p.damage, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.damage.Clear()
	if _, err := d.Decode(frame); err != nil {
		t.Fatal(err)
	}
	return len(frame)
}

// TestALargePictureComesCoarseFirst joins a viewer to a picture that costs
// megabytes.
func TestALargePictureComesCoarseFirst(t *testing.T) {
	p := newPainter(1920, 1080, 5)
	p.noise(p.p.Bounds())
	var e Encoder
	var d Decoder
	defer e.Close()
	defer d.Close()
	show := func() int { return p.deliver(t, &e, &d) }
	if n := show(); n > 60<<10 {
		t.Errorf("the first picture costs %d bytes", n)
	}
	if e.Exact() {
		t.Error("it counts as exact")
	}
	p.fill(image.Rect(900, 500, 964, 513), 0xff0000) // what is newer goes first
	show()
	if got := pixels(d.Picture().row(506, 910, 911))[0] & mask1; got != 0xff0000 {
		t.Errorf("a change waits for the rest: %06x", got)
	}
	frames := 0
	for wait, due := e.Due(); due; wait, due = e.Due() {
		if wait > 0 {
			t.Fatalf("it waits for %v", wait)
		}
		if n := show(); n > 2*refineBytes {
			t.Errorf("a frame of %d bytes", n)
		}
		frames++
	}
	if !e.Exact() || !d.Picture().Equal(p.p) {
		t.Errorf("after %d frames the viewer differs in %v", frames, differing(p.p, d.Picture()))
	}
}

// TestAPlainPlaceBesideACoarseOneRestsExactly has what a dialog has: a list
// that is empty, and much beside it.
func TestAPlainPlaceBesideACoarseOneRestsExactly(t *testing.T) {
	p := newPainter(1124, 888, 6)
	p.fill(p.p.Bounds(), 0xffffff)
	p.noise(image.Rect(0, 0, 640, 384)) // ends where tiles end
	p.noise(image.Rect(800, 700, 801, 768))
	var e Encoder
	var d Decoder
	defer e.Close()
	defer d.Close()
	for due := true; due; _, due = e.Due() {
		p.deliver(t, &e, &d)
	}
	if !e.Exact() || !d.Picture().Equal(p.p) {
		t.Errorf("it counts as exact (%v) and differs in %v", e.Exact(), differing(p.p, d.Picture()))
	}
}

func TestCoarseSquaresAreSoft(t *testing.T) {
	var d Decoder
	defer d.Close()
	frame := []byte{1, 0, 8, 0, 4, opCoarse, 0, 0, 0, 0, 0, 8, 0, 4, 4, 0, 0, 0, 200, 100, 50}
	if _, err := d.Decode(frame); err != nil {
		t.Fatal(err)
	}
	last := -1
	for x := range 8 {
		red := int(pixels(d.Picture().row(2, x, x+1))[0] >> 16 & 0xff)
		if red < last {
			t.Errorf("column %d is darker than the one before", x)
		}
		last = red
	}
	if first := pixels(d.Picture().row(0, 0, 1))[0] & mask1; first != 0 || last != 200 {
		t.Errorf("from %06x to %d", first, last)
	}
}

// TestAChangeThatIsTooLargeComesCoarse draws something that costs megabytes
// beside something that does not, on a path that carries little.
func TestAChangeThatIsTooLargeComesCoarse(t *testing.T) {
	p := newPainter(1920, 1080, 5)
	now := time.Unix(100, 0)
	e := Encoder{Most: 100 << 10, Room: 32 << 10}
	e.video.clock = func() time.Time { return now }
	var d Decoder
	defer e.Close()
	defer d.Close()
	show := func() int {
		defer func() { now = now.Add(time.Second / 30) }()
		return p.deliver(t, &e, &d)
	}
	show()
	noisy := image.Rect(100, 70, 1200, 900)
	p.noise(noisy)
	p.text(image.Rect(1400, 100, 1800, 400), 2)
	text := image.Rect(1408, 128, 1792, 384)
	if n := show(); n > 60<<10 || e.Exact() {
		t.Errorf("%d bytes, exact %v", n, e.Exact())
	}
	p.text(text, 2) // not too large
	if n := show(); n > e.Room+leastMore {
		t.Errorf("text costs %d bytes", n)
	}
	for y := text.Min.Y; y < text.Max.Y; y++ {
		if !sameRow(p.p.row(y, text.Min.X, text.Max.X), d.Picture().row(y, text.Min.X, text.Max.X)) {
			t.Fatalf("text is not exact in row %d", y)
		}
	}
	for wait, due := e.Due(); due; wait, due = e.Due() {
		now = now.Add(wait)
		if n := show(); n > e.Room+leastMore {
			t.Fatalf("%d bytes refine it", n)
		}
	}
	if !e.Exact() || !d.Picture().Equal(p.p) {
		t.Errorf("the viewer differs in %v", differing(p.p, d.Picture()))
	}
}

func TestCoarseSteps(t *testing.T) {
	for _, c := range []struct {
		most   int
		places []image.Rectangle
		want   int
	}{
		{coarseBytes, []image.Rectangle{image.Rect(0, 0, 1920, 1080)}, 11},
		{coarseBytes, []image.Rectangle{image.Rect(0, 0, 960, 1080), image.Rect(960, 0, 1920, 1080)}, 11},
		{8 << 10, []image.Rectangle{image.Rect(0, 0, 1920, 1080)}, 28},
		{coarseBytes, []image.Rectangle{image.Rect(0, 0, 20, 20)}, 1},
		{100, []image.Rectangle{image.Rect(0, 0, 16000, 16000)}, 255},
	} {
		if got := coarseStep(c.most, c.places...); got != c.want {
			t.Errorf("%d bytes for %v: squares of %d, want %d", c.most, c.places, got, c.want)
		}
	}
}

// TestAFilmBeginsWithoutGaps shows a film from its first picture on: those until
// it is video are coarse and small, and all is exact once it rests.
func TestAFilmBeginsWithoutGaps(t *testing.T) {
	c := newCinema(t, 1920, 1080, Video)
	for i := range 20 {
		c.bytes = 0
		c.picture(c.p.Bounds(), i)
		c.step(t, 33*time.Millisecond)
		if c.d.Picture().Equal(c.p) {
			t.Fatalf("picture %d is exact", i)
		}
		if c.films == 0 && c.bytes > hurriedBytes {
			t.Fatalf("picture %d has %d bytes", i, c.bytes)
		}
	}
	if c.films == 0 {
		t.Error("it did not become video")
	}
	c.settle(t)
	if !c.d.Picture().Equal(c.p) {
		t.Error("it is not exact at rest")
	}
}

// TestLargePicturesNowAndThenAreExact turns pages of photographs: those of half
// the screen are exact at once, those of all of it once they rest.
func TestLargePicturesNowAndThenAreExact(t *testing.T) {
	c := newCinema(t, 1920, 1080, Video)
	page := c.p.Bounds()
	page.Max.X /= 2
	for i := range 4 {
		c.picture(page, i)
		c.step(t, 2*soon)
		if !c.d.Picture().Equal(c.p) {
			t.Fatalf("page %d is not exact", i)
		}
	}
	for i := range 4 {
		c.bytes = 0
		c.picture(c.p.Bounds(), i)
		c.step(t, 2*soon)
		if c.d.Picture().Equal(c.p) || c.bytes > hurriedBytes {
			t.Fatalf("large page %d came with %d bytes", i, c.bytes)
		}
		c.settle(t)
		if !c.d.Picture().Equal(c.p) {
			t.Fatalf("large page %d is not exact at rest", i)
		}
	}
}

// BenchmarkFilmBegins shows the second picture of a film: what it takes to make
// it coarse, and to draw that.
func BenchmarkFilmBegins(b *testing.B) {
	c := newCinema(b, 1920, 1080, Video)
	var made, drawn time.Duration
	for i := range b.N {
		c.e.video.motion.leave()
		c.picture(c.p.Bounds(), i)
		c.now = c.now.Add(soon / 2)
		began := time.Now()
		frame, err := c.e.Encode(c.p, &c.damage, nil)
		if err != nil {
			b.Fatal(err)
		}
		coded := time.Now()
		if _, err := c.d.Decode(frame); err != nil {
			b.Fatal(err)
		}
		made, drawn = made+coded.Sub(began), drawn+time.Since(coded)
		for i := range c.e.video.motion.tiles {
			c.e.video.motion.tiles[i].count = 0
		}
	}
	b.ReportMetric(made.Seconds()*1000/float64(b.N), "encode-ms")
	b.ReportMetric(drawn.Seconds()*1000/float64(b.N), "decode-ms")
}
