package codec

import (
	"image"
	"testing"
	"time"
)

// scene plays changes to a motion of 30×17 tiles, as 1080p has.
type scene struct {
	m   motion
	now time.Time
}

func newScene() *scene {
	s := &scene{now: time.Unix(1000, 0)}
	s.m.begin(image.Pt(30, 17))
	return s
}

// play changes each tile of r every interval for a while, at a cost in bytes,
// and gives what is chosen in the end.
func (s *scene) play(r image.Rectangle, interval, long time.Duration, bytes int) image.Rectangle {
	for range long / interval {
		s.now = s.now.Add(interval)
		s.m.advance(s.now)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				s.m.note(s.now, y*30+x, 1)
				if image.Pt(x, y).In(s.m.rect) {
					s.m.tiles[y*30+x].inexact = true
				} else {
					s.m.paid(y*30+x, bytes)
				}
			}
		}
		s.m.choose(s.now)
	}
	return s.m.rect
}

func TestWhatKeepsMovingBecomesVideo(t *testing.T) {
	film := image.Rect(3, 2, 20, 12)
	for name, c := range map[string]struct {
		rect     image.Rectangle
		interval time.Duration
		bytes    int
		want     bool
	}{
		"a film":                       {film, 33 * time.Millisecond, 12000, true},
		"a film that comes slowly":     {film, 125 * time.Millisecond, 12000, true},
		"a whole screen":               {image.Rect(0, 0, 30, 17), 100 * time.Millisecond, 12000, true},
		"a small film":                 {image.Rect(5, 5, 8, 7), 40 * time.Millisecond, 12000, true},
		"an animated icon":             {image.Rect(5, 5, 7, 7), 40 * time.Millisecond, 12000, false},
		"a terminal drawn anew":        {film, 33 * time.Millisecond, 500, false},
		"shaded text drawn anew":       {film, 33 * time.Millisecond, 1500, false},
		"the new line of a scroll":     {image.Rect(0, 16, 30, 17), 16 * time.Millisecond, 300, false},
		"a page turned now and then":   {film, 500 * time.Millisecond, 12000, false},
		"pages of text turned fast":    {film, 250 * time.Millisecond, 4000, false},
		"a clock, or a blinking place": {image.Rect(28, 0, 30, 1), 500 * time.Millisecond, 3000, false},
	} {
		s := newScene()
		got := s.play(c.rect, c.interval, 2*time.Second, c.bytes)
		if want := c.rect; c.want && got != want || !c.want && !got.Empty() {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestShortAnimationIsNoVideo fades something in for a third of a second.
func TestShortAnimationIsNoVideo(t *testing.T) {
	s := newScene()
	if got := s.play(image.Rect(3, 2, 20, 12), 16*time.Millisecond, 333*time.Millisecond, 12000); !got.Empty() {
		t.Errorf("%v is video", got)
	}
}

func TestVideoBeginsWithinASecondAndEndsWithRest(t *testing.T) {
	s := newScene()
	film := image.Rect(3, 2, 20, 12)
	if s.play(film, 40*time.Millisecond, 800*time.Millisecond, 12000).Empty() {
		t.Fatal("no video after 0.8 s")
	}
	s.play(film, 40*time.Millisecond, time.Second, 12000)
	if got := s.m.rested(s.now, 1000); len(got) > 0 {
		t.Errorf("%d moving tiles rest", len(got))
	}
	wait, ok := s.m.due(s.now)
	if !ok || wait < minRest || wait > maxRest {
		t.Fatalf("due in %v, %v", wait, ok)
	}
	s.now = s.now.Add(wait)
	first := s.m.rested(s.now, 100)
	if len(first) != 100 {
		t.Fatalf("%d tiles rest, limit 100", len(first))
	}
	for _, i := range first {
		s.m.tiles[i].inexact = false
	}
	if wait, ok := s.m.due(s.now); !ok || wait != 0 {
		t.Errorf("the rest is due in %v, %v", wait, ok)
	}
	if n := len(s.m.rested(s.now, 1000)); n != 70 {
		t.Errorf("%d tiles are left, not 70", n)
	}
	s.m.allExact()
	if _, ok := s.m.due(s.now); ok {
		t.Error("something is due that is exact")
	}
	s.now = s.now.Add(window)
	if got := s.m.choose(s.now); !got.Empty() {
		t.Errorf("%v is video a second after it came to rest", got)
	}
}

func TestVideoFollowsWhatMoves(t *testing.T) {
	s := newScene()
	s.play(image.Rect(3, 2, 10, 8), 40*time.Millisecond, 2*time.Second, 12000)
	if got, want := s.play(image.Rect(2, 1, 15, 12), 40*time.Millisecond, 3*time.Second, 12000), image.Rect(2, 1, 15, 12); got != want {
		t.Errorf("grown: %v", got)
	}
	if got, want := s.play(image.Rect(4, 4, 8, 7), 40*time.Millisecond, 3*time.Second, 12000), image.Rect(4, 4, 8, 7); got != want {
		t.Errorf("shrunk: %v", got)
	}
}

// TestCostlyFilmBecomesVideoEvenIfSlow starts at three pictures a second, as
// many as a slow computer sends exactly.
func TestCostlyFilmBecomesVideoEvenIfSlow(t *testing.T) {
	film := image.Rect(3, 2, 20, 12)
	s := newScene()
	if s.play(film, 330*time.Millisecond, 1500*time.Millisecond, 12000) != film {
		t.Error("a costly film is sent exactly")
	}
	if s.play(film, 40*time.Millisecond, 3*time.Second, 12000) != film {
		t.Error("the video ended although it became busy")
	}
	s = newScene()
	s.play(film, 330*time.Millisecond, 4*time.Second, 12000)
	if !s.play(film, 330*time.Millisecond, 4*time.Second, 12000).Empty() {
		t.Error("what is no busier as video stayed video")
	}
}

// TestSlowRegionIsNotRefinedBetweenItsChanges keeps a film of 8 pictures a
// second from being sent twice.
func TestSlowRegionIsNotRefinedBetweenItsChanges(t *testing.T) {
	s := newScene()
	film := image.Rect(3, 2, 20, 12)
	s.play(film, 125*time.Millisecond, 3*time.Second, 12000)
	if n := len(s.m.rested(s.now.Add(125*time.Millisecond), 1000)); n > 0 {
		t.Errorf("%d tiles rest before the next picture", n)
	}
}

// TestAFilmGoesOnBehindItsKeyFrame takes no picture for most of the time that a
// region stays, as on a narrow path; then the film is as busy as before.
func TestAFilmGoesOnBehindItsKeyFrame(t *testing.T) {
	s, film := newScene(), image.Rect(4, 4, 16, 12)
	interval := time.Second / 30
	for s.m.rect.Empty() {
		s.play(film, interval, interval, 12000)
	}
	s.now = s.now.Add(700 * time.Millisecond)
	if r := s.play(film, interval, 500*time.Millisecond, 12000); r != film {
		t.Errorf("%v is video, want %v", r, film)
	}
}

func TestInexactPlaces(t *testing.T) {
	s := newScene()
	s.m.tiles[2*30+3].inexact = true
	for r, want := range map[image.Rectangle]bool{
		image.Rect(0, 0, 192, 1080):     false,
		image.Rect(0, 0, 193, 129):      true,
		image.Rect(255, 191, 256, 192):  true,
		image.Rect(256, 0, 1920, 1080):  false,
		image.Rect(0, 192, 1920, 1080):  false,
		image.Rect(191, 127, 257, 1000): true,
	} {
		if s.m.inexact(r) != want {
			t.Errorf("%v: %v", r, !want)
		}
	}
	var none motion
	if none.inexact(image.Rect(0, 0, 9, 9)) {
		t.Error("a picture without tiles is inexact")
	}
	s.m.leave()
}

// TestAFilmThatIsSeldomTakenIsKnownByItsDamage encodes two of the thirty
// pictures that a film has in a second.
func TestAFilmThatIsSeldomTakenIsKnownByItsDamage(t *testing.T) {
	for _, turns := range []int{1, 15} {
		c := newCinema(t, 640, 384, Video)
		c.e.Most = 1 << 20
		film := c.p.Bounds()
		for i := range 6 {
			c.picture(film, i)
			for range turns - 1 {
				c.damage.Turn()
				c.damage.Add(film)
			}
			c.step(t, 500*time.Millisecond)
		}
		if is := c.films > 0; is != (turns > 1) {
			t.Errorf("with %d changes between frames it is video: %v", turns, is)
		}
	}
}
