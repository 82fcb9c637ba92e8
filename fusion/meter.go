package fusion

import (
	"context"
	"time"
)

// What a history can be asked for.
const (
	// LongestHistory is how far back measurements are kept.
	LongestHistory = 24 * time.Hour
	// MostMeterPoints is how many steps one answer has at most.
	MostMeterPoints = 1000
)

// Range is what a quantity was over a step: the least, the mean and the most of its
// measurements.
type Range struct {
	Min float64 `json:"min"`
	Avg float64 `json:"avg"`
	Max float64 `json:"max"`
}

// MeterPoint is how a machine did over one step of time. A quantity that was not
// measured is nil.
type MeterPoint struct {
	// At is when the step begins.
	At time.Time `json:"at"`
	// Samples counts the measurements in it, one a second at most.
	Samples int `json:"samples"`
	// CPU is the share of all its processors that was used, 0 to 1.
	CPU *Range `json:"cpu,omitempty"`
	// Memory is in use, in bytes.
	Memory *Range `json:"memory,omitempty"`
	// The others are bytes a second.
	DiskRead  *Range `json:"diskRead,omitempty"`
	DiskWrite *Range `json:"diskWrite,omitempty"`
	NetIn     *Range `json:"netIn,omitempty"`
	NetOut    *Range `json:"netOut,omitempty"`
}

// History is what was measured of a machine. Steps without a measurement are not
// among its points: that is a gap.
type History struct {
	From        time.Time    `json:"from"`
	To          time.Time    `json:"to"`
	StepSeconds int          `json:"stepSeconds"`
	Points      []MeterPoint `json:"points"`
	// Always says that the host measures all its machines all the time, and not only
	// while somebody looks.
	Always bool `json:"always"`
}

// Meters measure the machines of one host once a second: while somebody looks, which
// costs nothing otherwise, or always. What was measured is kept for a day.
type Meters interface {
	// History gives what was measured of a machine from from (inclusive) to to, at
	// most LongestHistory, in steps of whole seconds that begin at multiples of the
	// step since 1970: at most points of them, and one more where the span's edges
	// lie within steps. It counts as a look of some seconds. It promises ErrNotFound,
	// and ErrInvalid for what MeterStep refuses.
	History(ctx context.Context, machine string, from, to time.Time, points int) (History, error)
	// Watch calls measured with each new measurement of a machine, about once a
	// second while it runs, until ctx ends. One who is slow misses some. It promises
	// ErrNotFound, also when the machine goes away meanwhile.
	Watch(ctx context.Context, machine string, measured func(MeterPoint)) error
	// KeepAlways says whether the host measures always.
	KeepAlways(ctx context.Context, always bool) error
}

// MeterStep gives the step in which a span has at most so many points: whole seconds.
// It is an error with cause ErrInvalid when there is no such span.
func MeterStep(from, to time.Time, points int) (time.Duration, error) {
	span := to.Sub(from)
	if points < 1 || points > MostMeterPoints || span <= 0 || span > LongestHistory+time.Hour || from.Year() < 1971 || from.Year() > 2100 {
		return 0, &Error{Op: "meter.history", Cause: ErrInvalid, Detail: "no such span of time",
			Hint: "ask for at most 24 hours and 1000 points"}
	}
	each := int64(time.Second) * int64(points)
	return time.Duration((int64(span)+each-1)/each) * time.Second, nil
}
