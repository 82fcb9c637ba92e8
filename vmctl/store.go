package vmctl

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
	"hither/vmctl/catalogue"
	"hither/vmctl/imagepool"
	"hither/vmctl/kvm"
	"hither/vmctl/meter"
	"hither/vmctl/power"
)

// Store is the machines of this computer. Close it when done; machines go on.
//
// Seven goroutines last until Close: run follows events and reconnects, settling ends what
// was left half done, forwards.run keeps the port forwards, followSelf looks at this
// computer itself, and followPower hears when it goes, schedules.run takes backups, and
// redirections.run keeps the devices of other hosts; Meters have one
// while they measure. Each call to the hypervisor runs in a goroutine of
// its own, at most maxCalls at a time, so that a caller whose context ends need not
// wait for it.
type Store struct {
	config    Config
	kvm       *kvm.Probe
	pool      *imagepool.Pool
	claims    *imagepool.Claims // of machines, images, downloads and backups
	catalogue *catalogue.Catalogue
	meters    *meter.Meters

	abilities power.Abilities // of this computer itself
	going     going

	slots        chan struct{} // one per call to the hypervisor that has not returned
	wake         chan struct{} // capacity 1: dirty or the connection changed
	unsettled    chan struct{} // capacity 1: an operation ended and left its intent
	toInstall    chan struct{} // capacity 1: a machine runs that installs apps
	ctx          context.Context
	cancel       context.CancelFunc
	running      sync.WaitGroup // run and all calls
	networking   chan struct{}  // capacity 1: held while networks are changed
	forwards     *forwards
	schedules    *schedules
	loans        *loans
	redirections *redirections
	screenshots  atomic.Int64
	keeping      atomic.Int32 // backups of other hosts on their way here
	consoles     consoles     // the serial consoles that somebody looks at

	mu       sync.Mutex      // guards the fields below
	uri      string          // in use, "" when off
	conn     driver          // nil when off or lost
	calls    *sync.WaitGroup // calls in flight on conn
	why      error           // why conn is nil
	records  map[string]*record
	seq      uint64               // counts changes of records
	removed  uint64               // seq of the last removal
	dirty    map[string]bool      // UUIDs that changed; bounded by the number of domains
	stopping map[string]time.Time // until when a guest is shown so, by UUID
	watchers map[*watcher]bool
	arriving map[string]*incoming     // machines on their way to this host, by UUID
	leaving  map[string]bool          // machines on their way to another host, by name
	intended map[string]bool          // the intents that operations of this process hold
	fetches  map[string]chan struct{} // images on their way into the pool, by name; closed when that ended
	// listeners hear of a domain's changes, by UUID; each has a capacity of 1.
	listeners map[string]map[chan struct{}]bool
	ending    bool // StopAll was called
}

var (
	_ fusion.Machines = (*Store)(nil)
	_ fusion.Hardware = (*Store)(nil)
)

// tryKVM finds out whether KVM runs here; the tests ask it once for all their Stores.
var tryKVM = kvm.Try

// maxCalls bounds the calls to the hypervisor that may be stuck at a time.
const maxCalls = 16

// Open makes the pool, and connects to libvirt. A host without libvirt is no
// error: then only "self" is there and Checks says what to install. It fails
// only when Dir cannot be used, or URI can be no libvirt URI (ErrInvalid).
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := checkURI(config.URI); err != nil {
		return nil, err
	}
	config, err := config.withDefaults()
	if err == nil {
		err = config.mkdirs()
	}
	if err != nil {
		return nil, &fusion.Error{Op: "machines.open", Path: config.Dir, Cause: err,
			Hint: "choose a directory that can be written with --home"}
	}
	s := &Store{
		config: config, kvm: kvm.New(config.Dir, tryKVM), catalogue: catalogue.New(config.Osinfo), fetches: map[string]chan struct{}{},
		abilities: power.Abilities{Switch: config.Power},
		slots:     make(chan struct{}, maxCalls), wake: make(chan struct{}, 1), unsettled: make(chan struct{}, 1), toInstall: make(chan struct{}, 1),
		networking: make(chan struct{}, 1),
		records:    map[string]*record{}, dirty: map[string]bool{},
		stopping: map[string]time.Time{}, watchers: map[*watcher]bool{},
		listeners: map[string]map[chan struct{}]bool{},
		intended:  map[string]bool{}, arriving: map[string]*incoming{}, leaving: map[string]bool{},
	}
	s.claims = &imagepool.Claims{}
	s.pool = &imagepool.Pool{Dir: config.pool(), Claims: s.claims, Log: config.Log}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.meters = meter.New(s.ctx, metered{s}, filepath.Join(config.Dir, "meters"), ringName, config.Log)
	s.schedules = newSchedules(s)
	s.loans, s.redirections = newLoans(s), newRedirections(s)
	imagepool.Sweep(config.pool())
	imagepool.Sweep(config.intents())
	imagepool.SweepNotes(config.pool(), time.Now())
	if err := s.holdArriving(); err != nil {
		config.Log.Warn("some of what was left half done is not known", "error", err)
	}
	if err := s.connect(ctx); err != nil {
		config.Log.Warn("virtual machines are away", "error", err, "hint", fusion.Hint(err), "trace", fusion.Trace(ctx))
	}
	s.forwards = newForwards(s)
	s.running.Add(3)
	go s.run()
	go s.settling()
	go s.forwards.run()
	s.running.Go(s.followSelf)
	s.running.Go(s.followApps)
	s.running.Go(s.schedules.run)
	s.running.Go(s.redirections.run)
	if config.Power != nil {
		s.running.Go(s.followPower)
	}
	s.running.Go(s.clearKept)
	s.meters.Wake()
	return s, nil
}

// URI is the libvirt URI in use, "" when there is none.
func (s *Store) URI() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uri
}

// Screenshots counts the screenshot calls made to libvirt so far.
func (s *Store) Screenshots() int64 { return s.screenshots.Load() }

// Close leaves the machines and a private daemon running. It waits for calls in
// flight, but not for ever: one that hangs in libvirt is left to its keepalive
// and reported as ErrBusy.
func (s *Store) Close() error {
	s.cancel()
	s.mu.Lock()
	conn := s.conn
	s.conn, s.why = nil, errClosed
	s.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		s.running.Wait()
		if conn == nil {
			done <- nil
			return
		}
		done <- conn.close()
	}()
	select {
	case err := <-done:
		return fail("machines.close", "", err)
	case <-time.After(closeTimeout):
		return &fusion.Error{Op: "machines.close", Cause: fusion.ErrBusy, Detail: "a call to libvirt hangs",
			Hint: "see whether libvirtd hangs"}
	}
}

const closeTimeout = 10 * time.Second

var errClosed = &fusion.Error{Op: "machines", Cause: fusion.ErrOffline, Detail: "the node is closing"}

// off says whether there is no hypervisor to be had, rather than one that is
// away for the moment. mu is held.
func (s *Store) off() bool { return errors.Is(s.why, fusion.ErrUnsupported) }
