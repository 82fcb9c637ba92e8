package mirror

import "math"

const (
	// forget is what an older frame counts beside the next newer one.
	forget = 0.97
	// telling is from how many bytes a frame says something of the path.
	telling = 1 << 10
	// sure is how many standard errors a rate must be away from none.
	sure = 3
	// leastFrames is how many frames are looked at before anything is said, and
	// fastFrames before what the line says only roughly counts.
	leastFrames, fastFrames = 3, 8
	// crowded is from which share of the time a rate is tried. The next one is
	// tried after trySoon frames, or tryAgain if it was wrong.
	crowded, tryAgain, trySoon = 0.8, 600, 30
)

// rate finds out how many bytes a second a path carries from how much longer
// large frames take than small ones: the slope of a line through sizes and
// times (least squares, older frames counting less). What each frame takes
// whatever its size, as decoding it, is in the line's other number. So a slow
// computer is not taken for a slow path.
//
// Frames of one size tell nothing. Where some is always on its way, the rate at
// which they arrive is tried: video then becomes smaller, and the line tells
// whether that helps. Where it does not, the rate rises only to what the line
// has shown: a rate that is far too high sends something of megabytes exactly,
// and nobody sees anything else until it has passed.
type rate struct {
	n, b, t, bb, bt, tt float64 // sums of 1, KiB, ms and their products
	found               float64 // bytes a second; 0 is unknown
	busy                float64 // share of the time lately in which a frame was on its way
	pause               int     // frames until a rate may be tried
}

// fast is what a path carries at which nothing is held back, in bytes a second.
const fast = 1 << 30

// add notes that a frame of some bytes took so many seconds until it was shown,
// of so many since the one before was.
func (r *rate) add(bytes int, seconds, since float64) {
	if bytes < telling {
		return
	}
	b, t := float64(bytes)/1024, seconds*1000
	for _, s := range []*float64{&r.n, &r.b, &r.t, &r.bb, &r.bt, &r.tt} {
		*s *= forget
	}
	r.n, r.b, r.t, r.bb, r.bt, r.tt = r.n+1, r.b+b, r.t+t, r.bb+b*b, r.bt+b*t, r.tt+t*t
	r.pause--
	r.busy += (min(seconds/max(since, 1e-6), 1) - r.busy) / 16
	r.judge()
	r.try()
}

// judge keeps the newest rate that the sizes tell.
func (r *rate) judge() {
	if r.n < leastFrames*0.9 {
		return
	}
	bb, bt, tt := r.bb-r.b*r.b/r.n, r.bt-r.b*r.t/r.n, r.tt-r.t*r.t/r.n
	if bb/r.n < 4 { // all of one size, to 2 KiB
		return
	}
	slope := bt / bb // ms for a KiB
	off := math.Sqrt(max(tt-slope*bt, 0) / (r.n * bb))
	atLeast := min(1024*1000/(max(slope, 0)+2*off), fast)
	switch {
	case slope > sure*off:
		r.found = min(1024*1000/slope, fast)
	case r.n < fastFrames*0.85: // older ones count less
	case r.found == 0:
		r.found = atLeast
	case slope < off && r.found < atLeast: // what was tried was wrong
		r.found, r.pause = atLeast, tryAgain
	}
}

// try takes the rate at which frames arrive for that of the path, where one is
// always on its way although the path is thought to carry more.
func (r *rate) try() {
	arrive := 1024 * 1000 * r.b / r.t
	if r.busy > crowded && r.pause <= 0 && (r.found == 0 || arrive < r.found*0.9) {
		*r = rate{found: arrive, pause: trySoon}
	}
}
