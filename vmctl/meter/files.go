package meter

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/ring"
)

// mostRings bounds the files: beyond it those that were written longest ago go.
const mostRings = 2000

// flushAll writes what was measured to disk.
func (m *Meters) flushAll() {
	m.mu.Lock()
	uuids := slices.Collect(maps.Keys(m.fresh))
	m.mu.Unlock()
	for _, uuid := range uuids {
		m.flush(uuid)
	}
}

// flush writes what was measured of one machine, if it is still there.
func (m *Meters) flush(uuid string) {
	m.mu.Lock()
	samples := m.fresh[uuid]
	delete(m.fresh, uuid)
	m.mu.Unlock()
	if _, known := m.machines.Processors(uuid); len(samples) == 0 || !known && uuid != fusion.Self {
		return
	}
	err := os.MkdirAll(m.dir, 0o700)
	if err == nil {
		err = ring.Append(m.path(uuid), samples)
	}
	if err != nil {
		m.log.Warn("measurements are lost", "uuid", uuid, "error", err)
	}
}

// sweep removes files that hold nothing of the last day, those of machines that are not
// there any more, and the oldest of too many.
func (m *Meters) sweep() {
	paths, _ := filepath.Glob(filepath.Join(m.dir, "*"+ringSuffix)) // the pattern is a good one
	uuids, connected := m.machines.Known()
	known := map[string]bool{m.path(fusion.Self): true}
	for _, uuid := range uuids {
		known[m.path(uuid)] = true
	}
	written := map[string]time.Time{}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			written[path] = info.ModTime()
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return written[b].Compare(written[a]) })
	for i, path := range paths {
		old := time.Since(written[path]) > fusion.LongestHistory
		if !old && (known[path] || !connected) && i < mostRings {
			continue
		}
		if err := os.Remove(path); err != nil {
			m.log.Warn("old measurements stay", "file", strings.TrimPrefix(path, m.dir), "error", err)
		}
	}
}

// folder folds samples, which rise in time, into steps.
type folder struct {
	step   int64 // seconds
	points []fusion.MeterPoint
	at     int64 // begin of the step in work
	n      int   // its samples
	sums   [ring.Quantities]sum
}

// sum is what is known of one quantity in a step.
type sum struct {
	n               int
	total, min, max float64
}

func (f *folder) add(s ring.Sample) {
	if at := s.Second - s.Second%f.step; f.n == 0 || at != f.at {
		f.close()
		f.at = at
	}
	f.n++
	for i, v := range s.Values {
		if v := float64(v); !math.IsNaN(v) {
			q := &f.sums[i]
			if q.n == 0 {
				q.min, q.max = v, v
			}
			q.n, q.total, q.min, q.max = q.n+1, q.total+v, min(q.min, v), max(q.max, v)
		}
	}
}

// close ends the step in work.
func (f *folder) close() {
	if f.n == 0 {
		return
	}
	p := fusion.MeterPoint{At: time.Unix(f.at, 0).UTC(), Samples: f.n}
	for i, to := range [ring.Quantities]**fusion.Range{&p.CPU, &p.Memory, &p.DiskRead, &p.DiskWrite, &p.NetIn, &p.NetOut} {
		if q := f.sums[i]; q.n > 0 {
			*to = &fusion.Range{Min: q.min, Avg: q.total / float64(q.n), Max: q.max}
		}
	}
	f.points = append(f.points, p)
	f.n, f.sums = 0, [ring.Quantities]sum{}
}

// end gives the steps; never nil, so that JSON has a list.
func (f *folder) end() []fusion.MeterPoint {
	f.close()
	if f.points == nil {
		return []fusion.MeterPoint{}
	}
	return f.points
}

// pointOf is a step of one second.
func pointOf(s ring.Sample) fusion.MeterPoint {
	f := folder{step: 1}
	f.add(s)
	return f.end()[0]
}
