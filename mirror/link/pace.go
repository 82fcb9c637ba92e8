package link

import (
	"slices"
	"time"
)

const (
	firstWindow = 64 * MaxDatagram // a coarse picture goes at once
	leastWindow = 10 * MaxDatagram
	mostWindow  = window * MaxDatagram
	// standingDelay is the queue that a bulk transfer keeps on the path: half a
	// frame at 60 Hz.
	standingDelay = 8 * time.Millisecond
	// heavyLoss is the share of lost packets that says that the path is too
	// narrow; below, loss is an accident of the path.
	heavyLoss = 0.1
	// baseAge is after how long the shortest round trip is measured anew.
	baseAge = 10 * time.Second
	// burst is how many bytes go at once, whatever the pace.
	burst = 16 * MaxDatagram
)

// pace says how much may be under way and how fast it goes. The window follows
// the delay (as FAST TCP's does, Wei et al. 2006): after each round it becomes
// what leaves a queue of standingDelay at the present rate. Random loss does
// not change it, heavy loss does.
type pace struct {
	cwnd  float64 // bytes
	slow  bool    // slow start: the window doubles each round
	srtt  time.Duration
	base  time.Duration // the shortest round trip: an empty path
	since time.Duration // when base was measured

	began   time.Duration // of this round
	least   time.Duration // shortest round trip in it, 0 before the first
	samples int
	recent  [4]time.Duration // the last round trips
	limited bool             // the window held something back in it
	sent    int              // packets in it, and how many of them were lost
	lost    int
	probing bool // the window is small for a round, to see the path empty
	hold    bool // the window has just changed much: this round is of the one before

	tokens float64 // bytes that may go now
	filled time.Duration
}

func newPace() pace {
	return pace{cwnd: firstWindow, slow: true, tokens: burst}
}

// window is how many bytes may be under way.
func (p *pace) window() int {
	if p.probing {
		return leastWindow
	}
	return int(p.cwnd)
}

// sample takes a round trip. sentAt is when its datagram was sent.
func (p *pace) sample(rtt, sentAt, now time.Duration) {
	if p.srtt == 0 {
		p.srtt, p.began = rtt, now
	}
	p.srtt += (rtt - p.srtt) / 8
	if p.base == 0 || rtt <= p.base {
		p.base, p.since = rtt, now
	}
	if p.least == 0 || rtt < p.least {
		p.least = rtt
	}
	p.recent[p.samples%len(p.recent)] = rtt
	p.samples++
	if queued := slices.Min(p.recent[:]); p.slow && queued > p.base+standingDelay/2 {
		p.slow = false
		p.shrink(queued)
	}
	if sentAt > p.began {
		p.round(now)
	}
}

// round ends a round trip and sets the window for the next.
func (p *pace) round(now time.Duration) {
	p.refresh(now)
	loss := 0.0
	if p.sent >= 20 {
		loss = float64(p.lost) / float64(p.sent)
	}
	fit := p.fit(p.least)
	switch {
	case loss > heavyLoss:
		p.slow = false
		p.cwnd *= 0.7
	case p.hold || p.probing:
		p.hold = p.probing
	case fit < 1 && (p.limited || p.samples >= 8): // a few late answers to a few packets say nothing of the path
		p.slow = false
		p.shrink(p.least)
	case p.limited && p.slow && loss < heavyLoss/2:
		p.cwnd *= 2
	case p.limited:
		p.slow = false
		p.cwnd *= min(fit, 1.25)
	}
	p.cwnd = min(max(p.cwnd, leastWindow), mostWindow)
	p.began, p.least, p.samples, p.limited, p.sent, p.lost = now, 0, 0, false, 0, 0
}

// fit is by how much the window would have to change for a queue of
// standingDelay, if a round trip takes rtt now.
func (p *pace) fit(rtt time.Duration) float64 {
	return float64(p.base+standingDelay) / float64(max(rtt, p.base))
}

func (p *pace) shrink(rtt time.Duration) {
	fit := p.fit(rtt)
	p.cwnd *= max(fit, 0.5)
	p.hold = fit < 0.9
}

// refresh measures the empty path anew when that was long ago.
func (p *pace) refresh(now time.Duration) {
	switch {
	case now-p.since < baseAge:
		p.probing = false
	case p.probing || !p.limited:
		p.base, p.since, p.probing = p.least, now, false
	default:
		p.probing = true
	}
}

// rate is in bytes a second.
func (p *pace) rate() float64 {
	if p.srtt == 0 {
		return firstWindow / (20 * time.Millisecond).Seconds()
	}
	gain := 1.25
	if p.slow {
		gain = 2
	}
	return gain * p.cwnd / p.srtt.Seconds()
}

// ready says whether a datagram may go now, and if not, when.
func (p *pace) ready(now time.Duration) (at time.Duration, ok bool) {
	rate := p.rate()
	most := max(burst, rate*0.002)
	p.tokens = min(most, p.tokens+rate*(now-p.filled).Seconds())
	p.filled = now
	if p.tokens > 0 {
		return 0, true
	}
	return now + time.Duration((1-p.tokens)/rate*float64(time.Second)), false
}

// spend counts what was sent.
func (p *pace) spend(bytes int) {
	p.tokens -= float64(bytes)
	p.sent++
}
