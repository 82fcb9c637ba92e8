package meter

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/ring"
)

const (
	// flushEvery is after how many measurements they go to disk: what a kill -9 loses.
	flushEvery = 10
	// sweepEvery is after how many measurements old files are looked for.
	sweepEvery = 3600
	// measureTimeout bounds the wait for a hypervisor that hangs.
	measureTimeout = 5 * time.Second
	// longestStep is how far apart two measurements may be for a rate between them.
	longestStep = 5 * time.Second
	// fewDomains are asked for by name; more by one question for all.
	fewDomains = 8
)

// baseline is the measurement that the next one's rates count from.
type baseline struct {
	stats fusion.Stats
	falls int // how often a counter was below it since
}

// tick measures in the middle of each second, so that a late one is not taken for the
// next second's.
func (m *Meters) tick() {
	for n := 0; ; n++ {
		if n%sweepEvery == 0 {
			m.sweep()
		}
		m.measure()
		if n%flushEvery == flushEvery-1 {
			m.flushAll()
		}
		next := time.Now().Truncate(time.Second).Add(1500 * time.Millisecond)
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-m.ctx.Done():
			timer.Stop()
			m.flushAll()
			return
		}
		if m.rest() {
			m.flushAll()
			return
		}
	}
}

// rest ends the ticking when nobody looks any more.
func (m *Meters) rest() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for l := range m.lookers {
		m.looked[l.uuid] = now
	}
	maps.DeleteFunc(m.looked, func(_ string, at time.Time) bool { return now.Sub(at) >= Linger })
	if m.always || len(m.looked) > 0 {
		return false
	}
	m.ticking = false
	clear(m.before)
	return true
}

// measure takes one measurement of each machine that is looked at.
func (m *Meters) measure() {
	m.mu.Lock()
	always, wanted := m.always, slices.Collect(maps.Keys(m.looked))
	m.mu.Unlock()
	second := time.Now().Unix()
	if always || slices.Contains(wanted, fusion.Self) {
		m.take(fusion.Self, computer.Stats(), second)
	}
	uuids := slices.DeleteFunc(wanted, func(uuid string) bool { return uuid == fusion.Self })
	if !always && len(uuids) == 0 {
		return
	}
	if always || len(uuids) > fewDomains {
		uuids = nil
	}
	ctx, cancel := context.WithTimeout(m.ctx, measureTimeout)
	defer cancel()
	all, err := m.machines.Stats(ctx, uuids...)
	if err != nil {
		m.log.Debug("machines could not be measured", "error", err)
		return // a gap
	}
	for uuid, stats := range all {
		if cpus, known := m.machines.Processors(uuid); known && (always || m.wants(uuid)) {
			if stats.CPUs == 0 {
				stats.CPUs = cpus
			}
			m.take(uuid, stats, second)
		}
	}
}

func (m *Meters) wants(uuid string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, looked := m.looked[uuid]
	return looked
}

// take makes rates of counters, keeps them and tells them to who looks.
func (m *Meters) take(uuid string, stats fusion.Stats, second int64) {
	if stats.Time.IsZero() {
		stats.Time = time.Now()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.before[uuid]
	sample, next := rates(before, stats)
	sample.Second = second
	m.before[uuid] = next
	m.fresh[uuid] = append(m.fresh[uuid], sample)
	point := pointOf(sample)
	for l := range m.lookers {
		if l.uuid != uuid {
			continue
		}
		select {
		case l.points <- point:
		default:
		}
	}
}

// rates compares a measurement with the one before. A counter that is lower than before
// is one that libvirt could not read this once, as that of a disk while its machine is
// busy, or the machine was started anew: then it stays so.
func rates(before baseline, now fusion.Stats) (ring.Sample, baseline) {
	var s ring.Sample
	for i := range s.Values {
		s.Values[i] = float32(math.NaN())
	}
	if now.MemoryUsedBytes > 0 {
		s.Values[ring.Memory] = float32(now.MemoryUsedBytes)
	}
	was := before.stats
	passed := now.Time.Sub(was.Time)
	if was.Time.IsZero() || passed > longestStep || passed <= 0 {
		return s, baseline{stats: now}
	}
	counts := [ring.Quantities][2]float64{
		ring.CPU:       {was.CPUSeconds, now.CPUSeconds},
		ring.DiskRead:  {float64(was.DiskReadBytes), float64(now.DiskReadBytes)},
		ring.DiskWrite: {float64(was.DiskWriteBytes), float64(now.DiskWriteBytes)},
		ring.NetIn:     {float64(was.NetInBytes), float64(now.NetInBytes)},
		ring.NetOut:    {float64(was.NetOutBytes), float64(now.NetOutBytes)},
	}
	for _, c := range counts {
		if c[1] >= c[0] {
			continue
		}
		const anew = 3
		if before.falls++; before.falls >= anew {
			return s, baseline{stats: now}
		}
		return s, before
	}
	for i, c := range counts {
		if i != ring.Memory {
			s.Values[i] = float32((c[1] - c[0]) / passed.Seconds())
		}
	}
	s.Values[ring.CPU] = min(1, s.Values[ring.CPU]/float32(max(1, now.CPUs)))
	return s, baseline{stats: now}
}
