package hosttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"hither/fusion"
)

// testMeters looks at "self" for some seconds and then asks what was measured.
func (s *suite) testMeters(t *testing.T) {
	meters := s.host.Meters()
	began := time.Now()
	seen := s.seeMeasured(t, fusion.Self, 3)
	for i, p := range seen {
		if p.Samples != 1 || p.Memory == nil || p.Memory.Avg <= 0 || i > 0 && !p.At.After(seen[i-1].At) {
			t.Errorf("point %d of %+v", i, seen)
		}
		if p.CPU != nil && (p.CPU.Avg < 0 || p.CPU.Avg > 1) {
			t.Errorf("a share of %+v", *p.CPU)
		}
	}
	if last := seen[len(seen)-1]; last.CPU == nil || last.DiskRead == nil || last.NetOut == nil {
		t.Errorf("no rates after %d measurements: %+v", len(seen), last)
	}
	from, to := began.Add(-time.Second), time.Now().Add(time.Second)
	history, err := meters.History(s.ctx(t), fusion.Self, from, to, 1000)
	must(t, "history", err)
	if len(history.Points) < len(seen) || history.StepSeconds != 1 || history.Always {
		t.Errorf("after %+v the history is %+v", seen, history)
	}
	for _, p := range history.Points {
		if p.At.Before(from.Add(-time.Second)) || p.At.After(to) || p.Samples < 1 || p.Memory == nil ||
			p.Memory.Min > p.Memory.Avg || p.Memory.Avg > p.Memory.Max {
			t.Errorf("%+v", p)
		}
	}
	coarse, err := meters.History(s.ctx(t), fusion.Self, from.Add(-time.Hour), to, 10)
	must(t, "coarse history", err)
	if n := len(coarse.Points); n < 1 || n > 11 || coarse.StepSeconds < 360 {
		t.Errorf("ten points of an hour are %+v", coarse)
	}
	must(t, "keep", meters.KeepAlways(s.ctx(t), true))
	always, err := meters.History(s.ctx(t), fusion.Self, from, to, 10)
	if err != nil || !always.Always {
		t.Errorf("kept always: %+v, %v", always, err)
	}
	must(t, "do not keep", meters.KeepAlways(s.ctx(t), false))
	s.refuseMeters(t)
}

// seeMeasured follows a machine until it was measured n times.
func (s *suite) seeMeasured(t *testing.T, machine string, n int) []fusion.MeterPoint {
	t.Helper()
	ctx, cancel := context.WithCancel(s.ctx(t))
	defer cancel()
	var seen []fusion.MeterPoint
	err := s.host.Meters().Watch(ctx, machine, func(p fusion.MeterPoint) {
		if seen = append(seen, p); len(seen) >= n {
			cancel()
		}
	})
	if len(seen) < n || !errors.Is(err, context.Canceled) {
		t.Fatalf("%d measurements: %v", len(seen), err)
	}
	return seen
}

func (s *suite) refuseMeters(t *testing.T) {
	ctx, meters, now := s.ctx(t), s.host.Meters(), time.Now()
	for _, bad := range []string{fresh("none"), "", "../" + fusion.Self} {
		refused(t, "watch", meters.Watch(ctx, bad, func(fusion.MeterPoint) {}), fusion.ErrNotFound)
		_, err := meters.History(ctx, bad, now.Add(-time.Minute), now, 10)
		refused(t, "history", err, fusion.ErrNotFound)
	}
	for _, span := range []struct {
		from   time.Time
		points int
	}{{now, 10}, {now.Add(time.Minute), 10}, {now.Add(-30 * time.Hour), 10}, {now.Add(-time.Minute), 0}, {now.Add(-time.Minute), 1 << 30}, {time.Time{}, 10}} {
		_, err := meters.History(ctx, fusion.Self, span.from, now, span.points)
		refused(t, "history of a bad span", err, fusion.ErrInvalid)
	}
}
