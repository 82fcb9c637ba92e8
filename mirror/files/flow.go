package files

import "time"

// Bounds of what is under way to a side that has not said that it has it.
const (
	leastFlow = 20 << 10 // a piece fits
	firstFlow = 64 << 10
	maxFlow   = 1 << 20
	maxMarks  = 256

	// late is by how much an answer may be later than the soonest lately before
	// a queue is thought of; soonestSpan is what lately means.
	late        = 8 * time.Millisecond
	soonestSpan = 10 * time.Second
)

// flow says how many bytes of files may be under way: enough to fill a path,
// and no more than pass quickly, as frames and keys wait behind them. It grows
// while answers come as soon as the soonest lately, and shrinks when they come
// late (delay-based congestion control, as in mirror's window).
type flow struct {
	sent, got uint64
	size      uint64
	marks     []mark
	soonest   time.Duration
	since     time.Time // when soonest was measured
}

// mark is when so much had been sent.
type mark struct {
	sent uint64
	at   time.Time
}

func newFlow() flow { return flow{size: firstFlow} }

func (f *flow) open() bool { return f.sent-f.got < f.size }

func (f *flow) send(cost int, now time.Time) {
	f.sent += uint64(cost)
	if len(f.marks) < maxMarks {
		f.marks = append(f.marks, mark{f.sent, now})
	}
}

// answer notes how much the other side has; false is more than it can have.
func (f *flow) answer(got uint64, now time.Time) bool {
	if got > f.sent || got < f.got {
		return false
	}
	full, fresh := !f.open(), got-f.got
	f.got = got
	var took time.Duration
	for len(f.marks) > 0 && f.marks[0].sent <= got {
		took = now.Sub(f.marks[0].at)
		f.marks = f.marks[1:]
	}
	if took == 0 {
		return true
	}
	if f.soonest == 0 || took <= f.soonest || now.Sub(f.since) > soonestSpan {
		f.soonest, f.since = took, now
	}
	if took > f.soonest*5/4+late {
		f.size = max(leastFlow, f.size*3/4)
	} else if full {
		f.size = min(maxFlow, f.size+fresh)
	}
	return true
}
