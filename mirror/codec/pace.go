package codec

import (
	"image"
	"time"
)

// quality is how a region is encoded. Each costs about 0.6 times the one before.
type quality int

const (
	sharpest quality = iota // 4:4:4
	whole                   // 4:2:0
	smaller                 // 4:2:0, three quarters of each side
	smallest                // 4:2:0, half of each side
)

// weight is what a quality costs beside whole, as measured (mirror/vpx).
var weight = [...]float64{sharpest: 1.4, whole: 1, smaller: 0.55, smallest: 0.24}

// coded is the size in which a rectangle is encoded.
func (q quality) coded(r image.Point) image.Point {
	switch q {
	case smaller:
		return image.Pt((r.X*3+3)/4, (r.Y*3+3)/4)
	case smallest:
		return image.Pt((r.X+1)/2, (r.Y+1)/2)
	}
	return r
}

const (
	guess1080 = 25 * time.Millisecond // a frame of 1080p in whole, before one was measured
	tooMuch   = 0.6                   // of the time between frames
	enough    = 0.45                  // what a better quality may cost
	aim       = 33 * time.Millisecond // more than 30 frames a second need no time
	settle    = 8                     // frames before a quality is judged
	patience  = 2 * time.Second       // before a better quality is tried
)

// pace keeps encoding below a part of the time between frames by choosing a
// quality. It measures both.
type pace struct {
	quality  quality
	perPixel float64 // ns of a pixel in whole; 0 before the first frame
	interval float64 // ns between frames
	last     time.Time
	frames   int // in this quality
	light    time.Time
}

// begin chooses the quality of a new rectangle, not better than best.
func (p *pace) begin(size image.Point, best quality) {
	*p = pace{quality: best, perPixel: p.perPixel, interval: float64(aim)}
	if p.perPixel == 0 {
		p.perPixel = float64(guess1080) / (1920 * 1080)
	}
	for p.quality < smallest && p.costs(p.quality, size) > tooMuch*p.interval {
		p.quality++
	}
}

// costs is how long a frame takes in a quality, in ns.
func (p *pace) costs(q quality, size image.Point) float64 {
	return p.perPixel * weight[q] * float64(size.X*size.Y)
}

// note counts a frame of a size that came at a time and took a while, and says
// whether another quality, not better than best, is better from now on.
func (p *pace) note(now time.Time, took time.Duration, size image.Point, best quality) (changed bool) {
	if since := now.Sub(p.last); since < 4*aim {
		p.interval += (float64(since) - p.interval) / 8
	}
	p.last = now
	per := float64(took) / (weight[p.quality] * float64(size.X*size.Y))
	p.perPixel += (per - p.perPixel) / 8
	if p.frames++; p.frames < settle {
		return false
	}
	budget := max(p.interval, float64(aim))
	switch {
	case p.quality < smallest && (p.quality < best || p.costs(p.quality, size) > tooMuch*budget):
		return p.change(p.quality + 1)
	case p.quality <= best || p.costs(p.quality-1, size) > enough*budget:
		p.light = time.Time{}
	case p.light.IsZero():
		p.light = now
	case now.Sub(p.light) >= patience:
		return p.change(p.quality - 1)
	}
	return false
}

func (p *pace) change(q quality) bool {
	p.quality, p.frames, p.light = q, 0, time.Time{}
	return true
}
