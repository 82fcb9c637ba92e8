//go:build linux

package main

import (
	"context"
	"math"
	"slices"
	"time"
)

// filmed is what a film cost a peer, and how much of it was seen.
type filmed struct {
	Peer     string  `json:"peer"`
	Seconds  float64 `json:"seconds"`
	Drawn    int     `json:"framesDrawn"`
	Shown    int     `json:"framesShown"`
	Worst    int     `json:"framesInTheWorstSecond"`
	BySecond []int   `json:"framesBySecond"`
	Behind   float64 `json:"framesBehindP95"`
	Most     float64 `json:"framesBehindMax"`
	Rest     float64 `json:"exactAfterMs"` // -1: not within some seconds
	Bytes    int64   `json:"bytes"`
	CPU      float64 `json:"cpuSeconds"`
	XCPU     float64 `json:"xServerCpuSeconds"`
}

// films is row f.
func films(ctx context.Context, p plan, h *house, r *result) error {
	peers, err := h.startPeers(p.chosen([]string{"hither", "tigervnc", "tigervnc-tuned", "xpra"}, "xpra-tuned"), loopback)
	if err != nil {
		return err
	}
	r.Films, err = turns(p.repeats, peers, func(one *peer) (*filmed, error) { return one.watchFilm(ctx, p.length) })
	if err != nil {
		return err
	}
	var shown, worst, behind, after []float64
	for _, f := range r.Films {
		if f.Peer == "hither" {
			shown = append(shown, float64(f.Shown)/float64(f.Drawn)*framesPerSecond)
			worst, behind = append(worst, float64(f.Worst)), append(behind, f.Behind)
			after = append(after, f.Rest)
			if f.Rest < 0 {
				after = append(after, math.Inf(1))
			}
		}
	}
	r.least("frames a second", median(shown), 0.98*framesPerSecond)
	r.least("frames in the worst second", median(worst), framesPerSecond-2)
	r.most("frames behind, 95 % of the time", median(behind), 2)
	r.most("ms from the last frame to the exact picture", median(after), 300)
	return nil
}

// watchFilm plays the film to a peer.
func (p *peer) watchFilm(ctx context.Context, length time.Duration) (*filmed, error) {
	offset, err := p.located(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx, "film"); err != nil {
		return nil, err
	}
	if err := p.rest(ctx, long); err != nil {
		return nil, err
	}
	if err := p.probe.follow(stampLine.Add(offset), readStamp); err != nil {
		return nil, err
	}
	before := p.bill()
	drawn, err := p.app.film(length)
	if err != nil {
		return nil, err
	}
	f := &filmed{Peer: p.name, Drawn: len(drawn)}
	after, err := p.exactAfter(ctx, drawn[len(drawn)-1])
	if err != nil {
		return nil, err
	}
	f.Rest = after
	if err := p.rest(ctx, long); err != nil {
		return nil, err
	}
	spent := p.bill().minus(before)
	f.Bytes, f.CPU, f.XCPU = spent.bytes, (spent.x + spent.server).Seconds(), spent.x.Seconds()
	sights, err := p.probe.followed()
	if err != nil {
		return nil, err
	}
	f.count(drawn, sights)
	return f, nil
}

// exactAfter gives how many milliseconds after a time the viewer shows what the
// source shows now, or -1.
func (p *peer) exactAfter(ctx context.Context, last time.Time) (float64, error) {
	want, err := sourceNow(p.source)
	if err != nil {
		return 0, err
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if err := p.probe.shot.take(); err != nil {
			return 0, err
		}
		now := time.Now()
		if p.probe.shot.shows(want, *p.offset) {
			return float64(now.Sub(last).Microseconds()) / 1000, nil
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return -1, nil
}

// count says what the sights mean. Frame n was drawn at drawn[n-1].
func (f *filmed) count(drawn []time.Time, sights []sight) {
	sights = frames(drawn, sights)
	first, last := drawn[0], drawn[len(drawn)-1]
	f.Shown = len(sights)
	f.Seconds = last.Sub(first).Seconds()
	f.BySecond = bySecond(first, last, sights)
	f.Worst = slices.Min(append(slices.Clone(f.BySecond), framesPerSecond))
	var behind []int
	shown, made := 0, 0
	for t := first; t.Before(last); t = t.Add(5 * time.Millisecond) {
		for made < len(drawn) && !drawn[made].After(t) {
			made++
		}
		for len(sights) > 0 && !sights[0].at.After(t) {
			shown, sights = int(sights[0].value), sights[1:]
		}
		behind = append(behind, made-shown)
	}
	slices.Sort(behind)
	if len(behind) > 0 {
		f.Behind, f.Most = float64(behind[len(behind)*95/100]), float64(behind[len(behind)-1])
	}
}

// frames leaves out sights that are no newer frame of the film: two pictures
// at once, or a number that a lossy picture made unreadable.
func frames(drawn []time.Time, sights []sight) (good []sight) {
	newest := uint64(0)
	for _, s := range sights {
		if s.value > newest && s.value <= uint64(len(drawn)) && !drawn[s.value-1].After(s.at) {
			newest = s.value
			good = append(good, s)
		}
	}
	return good
}

// bySecond gives how many frames came in each whole second of the film.
func bySecond(first, last time.Time, sights []sight) []int {
	counts := make([]int, int(last.Sub(first)/time.Second))
	for _, s := range sights {
		if at := int(s.at.Sub(first) / time.Second); s.at.After(first) && at < len(counts) {
			counts[at]++
		}
	}
	return counts
}
