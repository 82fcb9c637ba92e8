package jobs

import (
	"math"
	"time"

	"hither/fusion"
)

// pace is how fast the present step of an operation goes, over the last seconds. It is
// the one place that says so, whatever the operation is. The zero value knows nothing.
type pace struct {
	step string
	at   time.Time // when done was measured
	done int64
	rate float64 // bytes per second
}

const (
	// paceStep is the least time between two measurements.
	paceStep = 500 * time.Millisecond
	// longLeft is more than anybody waits for: a time left beyond it says nothing.
	longLeft = 100 * 24 * time.Hour
)

// with fills in the rate and the time that is left. A step that is done more than it
// has to be, as memory that changes while it is copied, goes back at times: that is
// measured from anew.
func (p *pace) with(now time.Time, shown fusion.Progress) fusion.Progress {
	if p.at.IsZero() || shown.Step != p.step {
		*p = pace{step: shown.Step, at: now, done: shown.Done}
	} else if span := now.Sub(p.at); span >= paceStep {
		p.measure(float64(max(shown.Done-p.done, 0)) / span.Seconds())
		p.at, p.done = now, shown.Done
	}
	shown.Rate = int64(p.rate)
	if rest := shown.Total - shown.Done; rest > 0 && p.rate >= 1 {
		if left := math.Ceil(float64(rest) / p.rate); left < longLeft.Seconds() {
			shown.Left = int64(left)
		}
	}
	return shown
}

func (p *pace) measure(rate float64) {
	if p.rate == 0 {
		p.rate = rate
	}
	p.rate += (rate - p.rate) / 4
}
