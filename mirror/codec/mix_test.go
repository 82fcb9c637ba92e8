package codec

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
	"time"
)

// TestAMixRestsExactly draws at random what screens show: text, fills, moved
// windows, scrolls, photographs and films, while the path, the viewers and the
// cursor change. Another run has other seeds; the one that fails is named.
func TestAMixRestsExactly(t *testing.T) {
	first := rand.Uint64()
	for seed := first; seed < first+6; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			c := newCinema(t, 700-r.IntN(100), 500-r.IntN(100), Able(r.IntN(3)))
			for range 40 {
				c.mix(t, r)
			}
			c.settleWithin(t, 4000)
			if !c.d.Picture().Equal(c.p) {
				t.Errorf("seed %d: exact %v, differs in %v", seed, c.e.Exact(), differing(c.p, c.d.Picture()))
			}
		})
	}
}

// mix lets one thing happen.
func (c *cinema) mix(t *testing.T, r *rand.Rand) {
	switch r.IntN(9) {
	case 0:
		c.text(c.somewhere(r), 1+r.IntN(5))
	case 1:
		c.fill(c.somewhere(r), r.Uint32())
	case 2:
		from := c.somewhere(r)
		c.move(image.Pt(r.IntN(c.p.Width-from.Dx()+1), r.IntN(c.p.Height-from.Dy()+1)), from)
	case 3:
		page := c.somewhere(r)
		for range 3 + r.IntN(8) {
			c.move(page.Min, image.Rect(page.Min.X, page.Min.Y+13, page.Max.X, page.Max.Y))
			c.text(image.Rect(page.Min.X, page.Max.Y-13, page.Max.X, page.Max.Y), 4)
			c.say(t, r)
		}
	case 4, 5:
		film := c.somewhere(r)
		for i := range 1 + r.IntN(20) {
			c.picture(film, i)
			c.say(t, r)
		}
	case 6:
		c.picture(c.p.Bounds(), r.IntN(1000))
	case 7:
		c.e.Most = []int{0, 0, 20 << 10, 100 << 10, 500 << 10, 5 << 20}[r.IntN(6)]
		c.e.Room = []int{0, 1 << 20, 16 << 10, 100 << 10}[r.IntN(4)]
		c.e.Rate = []int{0, 200_000, 5_000_000}[r.IntN(3)]
		c.e.Able(Able(r.IntN(3)))
	case 8:
		c.e.Refresh()
	}
	c.say(t, r)
}

// somewhere is a place of at least 20 by 20 pixels.
func (c *cinema) somewhere(r *rand.Rand) image.Rectangle {
	x, y := r.IntN(c.p.Width-40), r.IntN(c.p.Height-40)
	return image.Rect(x, y, x+20+r.IntN(c.p.Width-20-x), y+20+r.IntN(c.p.Height-20-y))
}

// say sends a frame after a while, now and then with a new cursor.
func (c *cinema) say(t *testing.T, r *rand.Rand) {
	t.Helper()
	c.now = c.now.Add(time.Duration(r.IntN(120)) * time.Millisecond)
	var cursor *Cursor
	if r.IntN(8) == 0 {
		cursor = noisyCursor(1 + r.IntN(MaxCursor))
	}
	c.send(t, cursor)
}

// noisyCursor hardly compresses.
func noisyCursor(side int) *Cursor {
	c := &Cursor{Width: side, Height: side, Pix: make([]byte, side*side*4)}
	for i := range c.Pix {
		c.Pix[i] = byte(rand.Uint32())
	}
	return c
}

// A frame has what came to rest, something new, and a cursor that makes it too
// large: what came to rest must not be lost with it.
func TestALargeCursorLosesNothingThatRests(t *testing.T) {
	for _, side := range []int{32, 64, 128, MaxCursor} {
		c := newCinema(t, 1024, 768, Video)
		c.e.Room, c.e.Most = 32<<10, 100<<10
		c.noise(image.Rect(0, 0, 640, 640))
		c.step(t, time.Second) // coarse
		c.text(image.Rect(700, 700, 760, 726), 2)
		c.now = c.now.Add(time.Second)
		c.send(t, noisyCursor(side))
		c.settleWithin(t, 4000)
		if !c.d.Picture().Equal(c.p) {
			t.Errorf("a cursor of %d: exact %v, differs in %v", side, c.e.Exact(), differing(c.p, c.d.Picture()))
		}
	}
}

// The encoder of a second film is opened ahead as that of the first was, which
// never became one.
func TestEachFilmHasItsEncoderAhead(t *testing.T) {
	c := newCinema(t, 1920, 1080, Video)
	begin := func(first int) {
		for i := range 3 {
			c.picture(c.p.Bounds(), first+i)
			c.step(t, 30*time.Millisecond)
		}
	}
	lens := &c.e.video.lens
	begin(0)
	if lens.opening != nil { // else a slow third picture has taken it over already
		<-lens.opening
	} else if !lens.serves(c.p.Bounds().Size(), false) {
		t.Fatal("none is opened")
	}
	lens.expire() // ten seconds of rest
	c.settleWithin(t, 4000)
	c.now = c.now.Add(time.Minute)
	begin(10)
	if err := lens.receive(true); err != nil || !lens.serves(c.p.Bounds().Size(), false) {
		t.Errorf("none is opened for the second film: %v", err)
	}
}
