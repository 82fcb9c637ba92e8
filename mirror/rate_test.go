package mirror

import (
	"math/rand/v2"
	"testing"
	"time"
)

// carried gives how long a frame takes on a path of a rate, with a viewer that
// needs some time for each, and noise, all in seconds.
func carried(bytes int, rate, each, noise float64, r *rand.Rand) float64 {
	t := each + noise*r.ExpFloat64()
	if rate > 0 {
		t += float64(bytes) / rate
	}
	return t
}

func TestRateOfThePath(t *testing.T) {
	for name, c := range map[string]struct{ rate, each, noise, least, most float64 }{
		"narrow":                         {300e3, 0.010, 0.002, 250e3, 360e3},
		"narrow, slow viewer":            {300e3, 0.060, 0.010, 200e3, 450e3},
		"wide":                           {2.5e6, 0.010, 0.001, 1.8e6, 4e6},
		"no bound":                       {0, 0.010, 0.001, 5e6, fast},
		"no bound, slow viewer":          {0, 0.080, 0.002, 4e6, fast},
		"no bound, a very busy computer": {0, 0.080, 0.030, 1e6, fast},
	} {
		random := rand.New(rand.NewPCG(1, 2))
		var r rate
		for range 200 {
			bytes := 8<<10 + random.IntN(24<<10)
			r.add(bytes, carried(bytes, c.rate, c.each, c.noise, random), 1)
		}
		if r.found < c.least || r.found > c.most {
			t.Errorf("%s: %.0f bytes a second, want %.0f to %.0f", name, r.found, c.least, c.most)
		}
	}
}

func TestRateIsNotKnownFromSmallFrames(t *testing.T) {
	var r rate
	for range 100 {
		r.add(500, 0.01, 1)
	}
	for range 2 {
		r.add(20<<10, 0.1, 1)
	}
	if r.found != 0 {
		t.Errorf("%.0f bytes a second", r.found)
	}
}

// TestRateIsTriedWhereThePathIsBusy always has a frame of one size on its way:
// a rate is tried, and given up when smaller ones are no sooner there.
func TestRateIsTriedWhereThePathIsBusy(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var r rate
	frames := func(n, bytes int, rate float64) {
		for range n {
			b := bytes + random.IntN(bytes/8)
			t := carried(b, rate, 0.05, 0.002, random)
			r.add(b, t, t)
		}
	}
	r.found = fast
	frames(40, 16<<10, 0)
	if r.found > 1e6 {
		t.Fatalf("no rate was tried: %.0f", r.found)
	}
	for i := range 60 {
		frames(1, 16<<10/(1+i%3), 0)
	}
	if r.found < 2e6 {
		t.Errorf("%.0f bytes a second although smaller frames took as long", r.found)
	}
}

// TestAWideGuessIsNotTrustedAtOnce gives a far path whose rate is guessed far
// too high no frame of megabytes.
func TestAWideGuessIsNotTrustedAtOnce(t *testing.T) {
	var w window
	now := time.Unix(100, 0)
	show := func(bytes int, took time.Duration) {
		w.send(bytes, now)
		now = now.Add(took)
		w.ack(w.sent, now)
		w.rate.found = fast
	}
	show(50<<10, 40*time.Millisecond)
	if got := w.exact(); got != 4*50<<10 {
		t.Errorf("after one of 50 KiB, %d bytes may go exactly", got)
	}
	show(200<<10, 600*time.Millisecond)
	if got := w.exact(); got > 4*50<<10 || w.room() > got {
		t.Errorf("after one that was late, %d bytes may go exactly, and %d to refine", got, w.room())
	}
	w = window{}
	show(50<<10, time.Millisecond)
	if got := w.exact(); got != 0 {
		t.Errorf("on a near path %d bytes may go exactly", got)
	}
}
