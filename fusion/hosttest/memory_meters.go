package hosttest

import (
	"context"
	"time"

	"hither/fusion"
)

// memoryMeters measure while Watch runs, and keep that for as long as the host is there.
type memoryMeters struct{ m *Memory }

func (p memoryMeters) machine(op, name string) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	_, err := p.m.machine(op, name)
	return err
}

func (p memoryMeters) Watch(ctx context.Context, machine string, measured func(fusion.MeterPoint)) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		if err := p.machine("meter.watch", machine); err != nil {
			return err
		}
		if point, on := p.measure(machine); on {
			measured(point)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// measure measures a machine that is on: it is half busy.
func (p memoryMeters) measure(machine string) (fusion.MeterPoint, bool) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v := p.m.machines[machine]
	if v == nil || v.State == fusion.Off {
		return fusion.MeterPoint{}, false
	}
	flat := func(n float64) *fusion.Range { return &fusion.Range{Min: n, Avg: n, Max: n} }
	point := fusion.MeterPoint{At: time.Now().Truncate(time.Second).UTC(), Samples: 1, CPU: flat(0.5), Memory: flat(float64(v.MemoryBytes / 2)),
		DiskRead: flat(0), DiskWrite: flat(0), NetIn: flat(0), NetOut: flat(0)}
	p.m.measured[machine] = append(p.m.measured[machine], point)
	return point, true
}

func (p memoryMeters) History(ctx context.Context, machine string, from, to time.Time, points int) (fusion.History, error) {
	step, err := fusion.MeterStep(from, to, points)
	if err == nil {
		err = p.machine("meter.history", machine)
	}
	if err != nil {
		return fusion.History{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	h := fusion.History{From: from, To: to, StepSeconds: int(step.Seconds()), Points: []fusion.MeterPoint{}, Always: p.m.always}
	seconds := int64(h.StepSeconds)
	for _, one := range p.m.measured[machine] {
		if one.At.Before(from) || !one.At.Before(to) {
			continue
		}
		one.At = time.Unix(one.At.Unix()/seconds*seconds, 0).UTC()
		if last := len(h.Points) - 1; last >= 0 && h.Points[last].At.Equal(one.At) {
			h.Points[last].Samples++ // all are alike
			continue
		}
		h.Points = append(h.Points, one)
	}
	return h, ctx.Err()
}

func (p memoryMeters) KeepAlways(ctx context.Context, always bool) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.m.always = always
	return ctx.Err()
}
