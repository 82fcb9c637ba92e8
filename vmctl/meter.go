package vmctl

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hither/fusion"
	"hither/vmctl/ring"
)

// Meters measure the Store's machines once a second, with one call to libvirt for all
// that are looked at, and keep what they measured in a ring file for each machine.
//
// One goroutine ticks while somebody looks, or always if the owner said so; it ends
// some seconds after the last look, and with the Store.
type Meters struct {
	s   *Store
	dir string

	mu      sync.Mutex // guards the fields below; the Store's is never taken under it
	lookers map[*looker]bool
	looked  map[string]time.Time // when somebody looked last, by UUID
	always  bool
	ticking bool
	before  map[string]baseline      // by UUID
	fresh   map[string][]ring.Sample // what is not on disk yet, by UUID
}

// looker is one Watch. Its queue is bounded; one who is slow misses measurements.
type looker struct {
	uuid   string
	points chan fusion.MeterPoint
	gone   chan struct{} // closed when the machine went away
}

var _ fusion.Meters = (*Meters)(nil)

const (
	// meterQueue is how many measurements wait for a slow looker.
	meterQueue = 16
	// linger is how long a look lasts: who turns a page leaves no gap.
	linger = 15 * time.Second
	// alwaysFile is there when the machines are measured always.
	alwaysFile = "always"
	ringSuffix = ".ring"
)

func newMeters(s *Store) *Meters {
	m := &Meters{s: s, dir: filepath.Join(s.config.Dir, "meters"), lookers: map[*looker]bool{}, looked: map[string]time.Time{},
		before: map[string]baseline{}, fresh: map[string][]ring.Sample{}}
	_, err := os.Stat(filepath.Join(m.dir, alwaysFile))
	m.always = err == nil
	return m
}

// Meters gives what measures the machines.
func (s *Store) Meters() *Meters { return s.meters }

// Watch follows the measurements of one machine.
func (m *Meters) Watch(ctx context.Context, machine string, measured func(fusion.MeterPoint)) error {
	uuid, err := m.find(ctx, "meter.watch", machine)
	if err != nil {
		return err
	}
	l := &looker{uuid: uuid, points: make(chan fusion.MeterPoint, meterQueue), gone: make(chan struct{})}
	m.look(uuid, l)
	defer m.leave(l)
	for {
		select {
		case p := <-l.points:
			measured(p)
		case <-l.gone:
			return notFound("meter.watch", machine)
		case <-ctx.Done():
			return ctx.Err()
		case <-m.s.ctx.Done():
			return errClosed
		}
	}
}

// History folds what the ring file of a machine has.
func (m *Meters) History(ctx context.Context, machine string, from, to time.Time, points int) (fusion.History, error) {
	const op = "meter.history"
	step, err := fusion.MeterStep(from, to, points)
	if err != nil {
		return fusion.History{}, err
	}
	uuid, err := m.find(ctx, op, machine)
	if err != nil {
		return fusion.History{}, err
	}
	m.look(uuid, nil)
	m.flush(uuid)
	f := folder{step: int64(step / time.Second)}
	if err := ring.Read(m.path(uuid), ceilSecond(from), ceilSecond(to), f.add); err != nil {
		return fusion.History{}, fail(op, machine, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return fusion.History{From: from, To: to, StepSeconds: int(f.step), Points: f.end(), Always: m.always}, ctx.Err()
}

// KeepAlways remembers the choice for later starts too.
func (m *Meters) KeepAlways(ctx context.Context, always bool) error {
	const op = "meter.keep"
	if err := ctx.Err(); err != nil {
		return err
	}
	path := filepath.Join(m.dir, alwaysFile)
	err := os.MkdirAll(m.dir, 0o700)
	switch {
	case err != nil:
	case always:
		err = os.WriteFile(path, nil, 0o600)
	default:
		if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return fail(op, "", err)
	}
	m.mu.Lock()
	m.always = always
	m.mu.Unlock()
	m.wake()
	return nil
}

// find gives the UUID of a machine; "self" is its own.
func (m *Meters) find(ctx context.Context, op, machine string) (string, error) {
	if machine == fusion.Self {
		return fusion.Self, ctx.Err()
	}
	return m.s.find(ctx, op, machine)
}

// look notes that somebody looks at a machine, for as long as l is there if it is not
// nil, and measures it meanwhile.
func (m *Meters) look(uuid string, l *looker) {
	m.mu.Lock()
	m.looked[uuid] = time.Now()
	if l != nil {
		m.lookers[l] = true
	}
	m.mu.Unlock()
	m.wake()
}

func (m *Meters) leave(l *looker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lookers, l)
	m.looked[l.uuid] = time.Now()
}

// wake starts the ticking goroutine when there is something to measure and none runs.
func (m *Meters) wake() {
	m.s.mu.Lock() // Close waits for running after it held mu
	defer m.s.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ticking || m.s.ctx.Err() != nil || !m.always && len(m.looked) == 0 {
		return
	}
	m.ticking = true
	m.s.running.Go(m.tick)
}

// forget removes what was measured of a machine that went. The Store's mu is held.
func (m *Meters) forget(uuid string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.fresh, uuid)
	delete(m.before, uuid)
	delete(m.looked, uuid)
	for l := range m.lookers {
		if l.uuid == uuid {
			delete(m.lookers, l)
			close(l.gone)
		}
	}
	if err := os.Remove(m.path(uuid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.s.config.Log.Warn("the measurements of a machine that is gone stay", "uuid", uuid, "error", err)
	}
}

// path is the ring file of a machine. A hypervisor's UUIDs are letters, digits and
// dashes; anything else would be no file of ours.
func (m *Meters) path(uuid string) string {
	if fusion.CheckName(uuid) != nil {
		uuid = plain(uuid, "vm", head(uuid))
	}
	return filepath.Join(m.dir, uuid+ringSuffix)
}

func ceilSecond(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }
