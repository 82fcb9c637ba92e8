// Package meter measures machines and their computer once a second while somebody looks, and
// keeps the last day of it. It asks nobody for more than is looked at, tells a slow looker
// less, and shows what could not be measured as a gap.
package meter

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hither/fusion"
	"hither/vmctl/ring"
)

// Machines are what Meters measure. All its methods may be called from many goroutines, and
// none while a lock of the Meters is held.
type Machines interface {
	// Find gives the UUID of a machine by its name. It promises fusion.ErrNotFound.
	Find(ctx context.Context, op, machine string) (uuid string, err error)
	// Processors gives how many a machine has, and whether it is known at all.
	Processors(uuid string) (cpus int, known bool)
	// Known gives the UUIDs of the machines; some may be missing when all is false.
	Known() (uuids []string, all bool)
	// Stats gives the counters of the running ones of some machines, or of all for none,
	// by UUID, in one question to the hypervisor.
	Stats(ctx context.Context, uuids ...string) (map[string]fusion.Stats, error)
	// Go runs work in a goroutine that is waited for, unless all is ending.
	Go(work func()) bool
}

// Meters measure machines once a second, with one call to libvirt for all
// that are looked at, and keep what they measured in a ring file for each machine.
//
// One goroutine ticks while somebody looks, or always if the owner said so; it ends
// some seconds after the last look, and with ctx.
type Meters struct {
	ctx      context.Context
	machines Machines
	dir      string
	name     func(uuid string) string // of a machine's file
	log      *slog.Logger

	mu      sync.Mutex // guards the fields below; nothing of machines is called under it
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
	// queue is how many measurements wait for a slow looker.
	queue = 16
	// Linger is how long a look lasts: who turns a page leaves no gap.
	Linger = 15 * time.Second
	// alwaysFile is there when the machines are measured always.
	alwaysFile = "always"
	ringSuffix = ".ring"
)

// New gives Meters that measure machines until ctx ends, and keep what they measured in
// dir, in files that name calls.
func New(ctx context.Context, machines Machines, dir string, name func(uuid string) string, log *slog.Logger) *Meters {
	m := &Meters{ctx: ctx, machines: machines, dir: dir, name: name, log: log, lookers: map[*looker]bool{}, looked: map[string]time.Time{},
		before: map[string]baseline{}, fresh: map[string][]ring.Sample{}}
	_, err := os.Stat(filepath.Join(m.dir, alwaysFile))
	m.always = err == nil
	return m
}

// Watch follows the measurements of one machine.
func (m *Meters) Watch(ctx context.Context, machine string, measured func(fusion.MeterPoint)) error {
	uuid, err := m.find(ctx, "meter.watch", machine)
	if err != nil {
		return err
	}
	l := &looker{uuid: uuid, points: make(chan fusion.MeterPoint, queue), gone: make(chan struct{})}
	m.look(uuid, l)
	defer m.leave(l)
	for {
		select {
		case p := <-l.points:
			measured(p)
		case <-l.gone:
			return fusion.NoMachine("meter.watch", machine)
		case <-ctx.Done():
			return ctx.Err()
		case <-m.ctx.Done():
			return &fusion.Error{Op: "machines", Cause: fusion.ErrOffline, Detail: "the node is closing"}
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
		return fusion.History{}, &fusion.Error{Op: op, Path: machine, Cause: err}
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
		return &fusion.Error{Op: op, Cause: err}
	}
	m.mu.Lock()
	m.always = always
	m.mu.Unlock()
	m.Wake()
	return nil
}

// find gives the UUID of a machine; "self" is its own.
func (m *Meters) find(ctx context.Context, op, machine string) (string, error) {
	if machine == fusion.Self {
		return fusion.Self, ctx.Err()
	}
	return m.machines.Find(ctx, op, machine)
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
	m.Wake()
}

func (m *Meters) leave(l *looker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lookers, l)
	m.looked[l.uuid] = time.Now()
}

// Wake starts the ticking goroutine when there is something to measure and none runs.
func (m *Meters) Wake() {
	m.mu.Lock()
	starts := !m.ticking && (m.always || len(m.looked) > 0)
	m.ticking = m.ticking || starts
	m.mu.Unlock()
	if starts && !m.machines.Go(m.tick) {
		m.mu.Lock()
		m.ticking = false
		m.mu.Unlock()
	}
}

// Forget removes what was measured of a machine that went. It may be called
// under a lock of its caller's.
func (m *Meters) Forget(uuid string) {
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
		m.log.Warn("the measurements of a machine that is gone stay", "uuid", uuid, "error", err)
	}
}

// path is the ring file of a machine.
func (m *Meters) path(uuid string) string { return filepath.Join(m.dir, m.name(uuid)+ringSuffix) }

func ceilSecond(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }
