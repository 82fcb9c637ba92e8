package codec

import (
	"image"
	"testing"
	"time"
)

// run encodes frames on a computer that takes per ns for a pixel, with a source
// of this interval, and gives the quality in the end and how often it changed.
func (p *pace) run(size image.Point, per float64, interval time.Duration, frames int, best quality) (changes int) {
	now := p.last
	if now.IsZero() {
		now = time.Unix(1, 0)
	}
	for range frames {
		took := time.Duration(per * weight[p.quality] * float64(size.X*size.Y))
		now = now.Add(max(interval, took))
		if p.changes(shot{size: size, at: now, took: took}, best) {
			changes++
		}
	}
	return changes
}

// changes notes a frame and says whether the next has another quality.
func (p *pace) changes(s shot, best quality) bool {
	before := p.quality
	p.note(s, best)
	return p.quality != before
}

func TestPaceKeepsEncodingShort(t *testing.T) {
	hd, small := image.Pt(1920, 1080), image.Pt(480, 270)
	for name, c := range map[string]struct {
		size     image.Point
		per      float64
		interval time.Duration
		best     quality
		want     quality
	}{
		"1080p on a slow computer":       {hd, 12, 33 * time.Millisecond, whole, smaller},
		"1080p on a very slow computer":  {hd, 40, 33 * time.Millisecond, whole, smallest},
		"1080p on a fast computer":       {hd, 4, 33 * time.Millisecond, whole, whole},
		"sharp 1080p on a fast computer": {hd, 4, 33 * time.Millisecond, sharpest, sharpest},
		"sharp on a slow computer":       {hd, 12, 33 * time.Millisecond, sharpest, smaller},
		"a small film":                   {small, 12, 16 * time.Millisecond, whole, whole},
		"a small sharp film":             {small, 12, 16 * time.Millisecond, sharpest, sharpest},
		"a film of few pictures":         {hd, 12, 100 * time.Millisecond, whole, whole},
		"60 a second are not aimed at":   {hd, 6, 16 * time.Millisecond, whole, whole},
	} {
		var p pace
		p.begin(c.size, c.best, 0)
		p.run(c.size, c.per, c.interval, 600, c.best)
		if p.quality != c.want {
			t.Errorf("%s: quality %d, want %d", name, p.quality, c.want)
		}
		if n := p.run(c.size, c.per, c.interval, 600, c.best); n > 0 {
			t.Errorf("%s: %d changes of quality go on", name, n)
		}
	}
}

// TestPaceBeginsSmall until it is known how fast the computer is: after the first
// frames a film has what it may have, without a step in between.
func TestPaceBeginsSmall(t *testing.T) {
	hd := image.Pt(1920, 1080)
	for name, c := range map[string]struct {
		per  float64
		best quality
		want quality
	}{
		"fast":       {3, sharpest, sharpest},
		"fast, film": {6, whole, whole},
		"slow":       {12, whole, smaller},
		"busy":       {45, whole, smallest},
	} {
		var p pace
		p.begin(hd, c.best, 0)
		if p.quality != smallest {
			t.Errorf("%s: begins with quality %d", name, p.quality)
		}
		if n := p.run(hd, c.per, aim, settle, c.best); p.quality != c.want || n > 1 {
			t.Errorf("%s: quality %d after %d changes in %d frames, want %d", name, p.quality, n, settle, c.want)
		}
	}
}

// TestPaceGivesWayAtOnce to others who need the processors.
func TestPaceGivesWayAtOnce(t *testing.T) {
	hd := image.Pt(1920, 1080)
	var p pace
	p.begin(hd, whole, 0)
	p.run(hd, 4, aim, 300, whole)
	if p.quality != whole {
		t.Fatalf("quality %d", p.quality)
	}
	if n := p.run(hd, 20, aim, 1, whole); n != 0 {
		t.Error("one late frame made it smaller")
	}
	p.run(hd, 20, aim, 1, whole)
	if p.quality != smaller {
		t.Errorf("quality %d after two late frames", p.quality)
	}
}

func TestPaceRemembersTheComputer(t *testing.T) {
	hd := image.Pt(1920, 1080)
	var p pace
	p.begin(hd, whole, 0)
	p.run(hd, 40, 33*time.Millisecond, 300, whole)
	p.begin(hd, whole, 0)
	if p.quality != smallest {
		t.Errorf("begins again with quality %d", p.quality)
	}
}

func TestCodedSizes(t *testing.T) {
	for _, size := range []image.Point{{1920, 1080}, {1, 1}, {3, 5}, {161, 121}} {
		for q := sharpest; q <= smallest; q++ {
			if c := q.coded(size); c.X < 1 || c.Y < 1 || c.X > size.X || c.Y > size.Y {
				t.Errorf("%v in quality %d: %v", size, q, c)
			}
		}
	}
}

// TestPaceMakesVideoSmallerForANarrowPath has an encoder that cannot make less
// of a pixel than so many bits a second.
func TestPaceMakesVideoSmallerForANarrowPath(t *testing.T) {
	hd := image.Pt(1280, 720)
	for name, c := range map[string]struct {
		limit, least int // bits a second; and of a pixel
		want         quality
	}{
		"enough":                {3_700_000, 1, whole},
		"not known":             {0, 9, whole},
		"hard to encode":        {2_800_000, 5, smaller},
		"narrow":                {1_500_000, 1, smaller},
		"narrow, hard":          {1_500_000, 5, smallest},
		"narrower than it goes": {100_000, 5, smallest},
	} {
		var p pace
		p.begin(hd, whole, c.limit)
		now, changes := time.Unix(1, 0), 0
		for range 250 { // for eight seconds: then what it took is forgotten
			size := p.quality.coded(hd)
			bits := max(c.least*size.X*size.Y, min(c.limit, size.X*size.Y*bitsPerPixel))
			now = now.Add(aim)
			if p.changes(shot{size: hd, at: now, took: time.Millisecond, bytes: bits / 8 * int(aim) / int(time.Second), limit: c.limit}, whole) {
				changes++
			}
		}
		if p.quality != c.want || changes > 2 {
			t.Errorf("%s: quality %d after %d changes, want %d", name, p.quality, changes, c.want)
		}
	}
}
