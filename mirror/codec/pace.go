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

// leastBits is what a pixel needs in a second, or it is better scaled up.
const leastBits = 2

// fits says whether a path of so many bits a second has enough for a quality.
func (q quality) fits(size image.Point, limit int) bool {
	c := q.coded(size)
	return limit == 0 || limit >= c.X*c.Y*leastBits
}

const (
	// guess1080 is a frame of 1080p in whole before one was measured: what a busy
	// computer needs, as a film that begins small misses nothing.
	guess1080 = 100 * time.Millisecond
	tooMuch   = 0.6                   // of the time between frames
	enough    = 0.45                  // what a better quality may cost
	aim       = 33 * time.Millisecond // more than 30 frames a second need no time
	settle    = 8                     // frames before a quality is judged
	tooSlow   = 2                     // frames, or these that took longer than the time between them
	patience  = 2 * time.Second       // before a better quality is tried
	tooMany   = 1.25                  // times the bits that the path carries
	stale     = 10 * time.Second      // when it is forgotten how many bits a quality took
)

// pace keeps encoding below a part of the time between frames, and frames below
// what the path carries, by choosing a quality: an encoder that gives each pixel
// as little as it can still makes too much of many pixels. It measures all of
// that.
type pace struct {
	quality  quality
	perPixel float64 // ns of a pixel in whole; 0 before the first frame
	measured int     // frames that it was measured by, up to settle
	slow     int     // frames one after the other that took all of the time between them
	interval float64 // ns between frames
	last     time.Time
	frames   int // in this quality
	light    time.Time
	bits     float64                 // a second at 30 frames, in this quality
	takes    [smallest + 1]float64   // bits that a quality took at least, 0 is unknown
	taken    [smallest + 1]time.Time // when that was seen
}

// begin chooses the quality of a new rectangle, not better than best, for a path
// of so many bits a second (0 is not known).
func (p *pace) begin(size image.Point, best quality, limit int) {
	*p = pace{quality: best, perPixel: p.perPixel, measured: p.measured, interval: float64(aim)}
	if p.perPixel == 0 {
		p.perPixel = float64(guess1080) / (1920 * 1080)
	}
	for p.quality < smallest && (p.costs(p.quality, size) > tooMuch*p.interval || !p.quality.fits(size, limit)) {
		p.quality++
	}
}

// costs is how long a frame takes in a quality, in ns.
func (p *pace) costs(q quality, size image.Point) float64 {
	return p.perPixel * weight[q] * float64(size.X*size.Y)
}

// shot is a frame of video: of what size, when it came, how long it took and
// how many bytes it has, and how many bits a second the path carries (0 is not
// known).
type shot struct {
	size  image.Point
	at    time.Time
	took  time.Duration
	bytes int
	limit int
}

// note counts a frame, and chooses the quality of the next, not better than best.
func (p *pace) note(s shot, best quality) {
	now, took, size := s.at, s.took, s.size
	if since := now.Sub(p.last); since < 4*aim {
		p.interval += (float64(since) - p.interval) / 8
	}
	p.last = now
	guessed := p.measured < settle
	p.measure(float64(took) / (weight[p.quality] * float64(size.X*size.Y)))
	budget := max(p.interval, float64(aim))
	if p.slow++; float64(took) < budget {
		p.slow = 0
	}
	if p.slow >= tooSlow && p.quality < smallest {
		p.change(p.quality + 1)
		return
	}
	if p.frames++; p.frames < settle {
		p.bits = float64(s.bytes*8) / aim.Seconds() // the first are as large as a key frame makes them
		return
	}
	p.bits += (float64(s.bytes*8)/aim.Seconds() - p.bits) / 8
	switch {
	case guessed && p.measured == settle:
		p.raise(s, best, budget)
	case p.quality < smallest && s.limit > 0 && p.bits > tooMany*float64(s.limit):
		p.takes[p.quality], p.taken[p.quality] = p.bits, now
		p.change(p.quality + 1)
	case p.quality < smallest && (p.quality < best || p.costs(p.quality, size) > tooMuch*budget):
		p.change(p.quality + 1)
	case p.quality <= best || p.costs(p.quality-1, size) > enough*budget || p.narrow(p.quality-1, s):
		p.light = time.Time{}
	case p.light.IsZero():
		p.light = now
	case now.Sub(p.light) >= patience:
		p.change(p.quality - 1)
	}
}

// measure notes what a pixel took: the first frames together make the first
// figure, but for the very first, which waits for memory and makes a key frame.
func (p *pace) measure(perPixel float64) {
	p.measured = min(p.measured+1, settle)
	if p.measured > 1 {
		p.perPixel += (perPixel - p.perPixel) / float64(p.measured-1)
	}
}

// raise takes the best quality that a film may have whose first frames were
// measured.
func (p *pace) raise(s shot, best quality, budget float64) {
	for q := best; q < p.quality; q++ {
		if p.costs(q, s.size) <= enough*budget && !p.narrow(q, s) {
			p.change(q)
		}
	}
}

// narrow says whether a quality takes more than the path carries.
func (p *pace) narrow(q quality, s shot) bool {
	return !q.fits(s.size, s.limit*9/10) || s.limit > 0 && p.takes[q]*1.1 > float64(s.limit) && s.at.Sub(p.taken[q]) < stale
}

func (p *pace) change(q quality) {
	p.quality, p.frames, p.light = q, 0, time.Time{}
}
