//go:build e2e && linux

package vmctl

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// beside is a peer in the same process, whose wire can be cut.
type beside struct {
	s    *Store
	from fusion.HostID
	t    *testing.T

	mu    sync.Mutex // guards the fields below
	cut   bool
	conns []net.Conn
}

var errNoWire = &fusion.Error{Op: "test", Cause: fusion.ErrOffline, Detail: "the wire is cut"}

// whole is nil while the wire is whole.
func (b *beside) whole() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut {
		return errNoWire
	}
	return nil
}

// setCut cuts the wire, or mends it.
func (b *beside) setCut(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = cut
	if cut {
		closeAll(b.conns...)
	}
}

// answer gives a call's answer unless the wire was cut meanwhile.
func answer[T any](b *beside, do func() (T, error)) (T, error) {
	var none T
	if err := b.whole(); err != nil {
		return none, err
	}
	v, err := do()
	if cut := b.whole(); cut != nil {
		return none, cut
	}
	return v, err
}

func (b *beside) Prepare(ctx context.Context, o MigrationOffer) (MigrationRoom, error) {
	return answer(b, func() (MigrationRoom, error) { return b.s.PrepareMigration(ctx, b.from, o) })
}

func (b *beside) Examine(ctx context.Context, o MigrationOffer) ([]fusion.Obstacle, error) {
	return answer(b, func() ([]fusion.Obstacle, error) { return b.s.ExamineMigration(ctx, o) })
}

func (b *beside) Check(ctx context.Context, uuid string) (bool, error) {
	return answer(b, func() (bool, error) { return b.s.CheckMigration(ctx, b.from, uuid) })
}

func (b *beside) Settle(ctx context.Context, uuid string, v Verdict) error {
	_, err := answer(b, func() (int, error) { return 0, b.s.SettleMigration(ctx, b.from, uuid, v) })
	return err
}

// Dial gives one end of a socket whose other end the destination serves.
func (b *beside) Dial(ctx context.Context, id, secret string, door Door) (net.Conn, error) {
	if err := b.whole(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", filepath.Join(b.t.TempDir(), "s"))
	if err != nil {
		return nil, err
	}
	go func() {
		defer listener.Close()
		conn, err := listener.Accept()
		if err == nil {
			err = b.s.ServeMigration(b.t.Context(), conn, id, secret, door)
		}
		if err != nil {
			b.t.Log("door", door, err)
		}
	}()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", listener.Addr().String())
	if err == nil {
		b.mu.Lock()
		b.conns = append(b.conns, conn)
		b.mu.Unlock()
	}
	return conn, err
}

// between gives two hosts and the wires between them.
func between(t *testing.T) (a, b *Store, toA, toB *beside) {
	t.Helper()
	toA, toB = &beside{from: "b", t: t}, &beside{from: "a", t: t}
	peer := func(to *beside) func(fusion.HostID) (MigrationPeer, error) {
		return func(fusion.HostID) (MigrationPeer, error) { return to, to.whole() }
	}
	first, configA := stage(t, "private")
	closeStore(t, first) // two of one directory would settle each other's work
	first, configB := stage(t, "private")
	closeStore(t, first)
	configA.Peer, configB.Peer = peer(toB), peer(toA)
	configA.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	configB.Log = configA.Log
	a, b = open(t, configA), open(t, configB)
	toA.s, toB.s = a, b
	return a, b, toA, toB
}

// runsAt counts the hosts at which the domain's processors run, asking libvirt
// itself.
func runsAt(t *testing.T, uuid string, stores ...*Store) (running, there int) {
	for _, s := range stores {
		d, err := call(t.Context(), s, func(c driver) (domain, error) { return c.domain(uuid) }, nil)
		if err == nil {
			there++
			if d.state == fusion.Running {
				running++
			}
		}
	}
	return running, there
}

// poolFiles lists what lies in a pool but for the notes on images.
func poolFiles(t *testing.T, s *Store) (names []string) {
	for _, e := range must(os.ReadDir(s.config.pool()))(t) {
		if !strings.HasPrefix(e.Name(), imagepool.NotePrefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestAMachineMovesWhileItRuns(t *testing.T) {
	a, b, _, _ := between(t)
	m := must(a.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 64 << 20, Start: true}))(t)
	for _, leg := range []struct{ from, to *Store }{{a, b}, {b, a}} {
		began, reports := time.Now(), 0
		ctx := fusion.WithReporter(t.Context(), func(fusion.Progress) { reports++ })
		ok(t, leg.from.Migrate(ctx, "m", "other", fusion.MigrateOptions{}))
		t.Log("moved in", time.Since(began).Round(time.Millisecond), "with", reports, "reports")
		there := must(leg.to.Get(t.Context(), "m"))(t)
		if there.UUID != m.UUID || there.State != fusion.Running {
			t.Errorf("%+v", there)
		}
		_, err := leg.from.Get(t.Context(), "m")
		refused(t, err, fusion.ErrNotFound)
		if n := pending(t, a) + pending(t, b); n != 0 {
			t.Errorf("%d intents are left", n)
		}
		if files := poolFiles(t, leg.from); len(files) != 0 {
			t.Errorf("left at the source: %v", files)
		}
	}
}

// movers is a machine that moves between two hosts again and again.
type movers struct {
	t           *testing.T
	uuid        string
	here, there *Store
	usual       time.Duration // how long a move takes
}

// newMovers makes the machine at a and lets it move twice.
func newMovers(t *testing.T, a, b *Store) *movers {
	m := must(a.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 64 << 20, Start: true}))(t)
	began := time.Now()
	ok(t, a.Migrate(t.Context(), "m", "b", fusion.MigrateOptions{}))
	ok(t, b.Migrate(t.Context(), "m", "a", fusion.MigrateOptions{}))
	return &movers{t, m.UUID, a, b, time.Since(began) / 2}
}

// disturbed moves the machine and does harm at a random moment, then mend; within ten
// seconds it must run on one host alone, with its disk and nothing else, and never on
// both.
func (m *movers) disturbed(harm func(), mend func()) {
	t := m.t
	t.Helper()
	after := time.Duration(rand.Int64N(int64(m.usual)))
	watching, stop := context.WithCancel(t.Context())
	var looks sync.WaitGroup
	looks.Go(func() {
		for watching.Err() == nil {
			if running, _ := runsAt(t, m.uuid, m.here, m.there); running > 1 {
				t.Error("it runs twice")
				return
			}
		}
	})
	moved := make(chan error, 1)
	go func() { moved <- m.here.Migrate(t.Context(), "m", "other", fusion.MigrateOptions{}) }()
	time.Sleep(after) // the random moment
	harm()
	err := <-moved
	mend()
	mended := time.Now()
	for settled := false; !settled; {
		running, is := runsAt(t, m.uuid, m.here, m.there)
		settled = running == 1 && is == 1 && pending(t, m.here)+pending(t, m.there) == 0
		if time.Since(mended) > 10*time.Second {
			for _, s := range []*Store{m.here, m.there} {
				d, err := call(t.Context(), s, func(c driver) (domain, error) { return c.domain(m.uuid) }, nil)
				t.Logf("%s (%s), %d intents, %v", d.state, d.detail, pending(t, s), err)
			}
			t.Fatalf("harm after %s: not settled in time: %v", after, err)
		}
	}
	stop()
	looks.Wait()
	at := m.here
	if _, gone := call(t.Context(), at, func(d driver) (domain, error) { return d.domain(m.uuid) }, nil); gone != nil {
		at = m.there
	}
	t.Logf("harm after %s: moved %v, settled after %s, %v", after.Round(time.Millisecond), at != m.here,
		time.Since(mended).Round(time.Millisecond), err)
	for _, s := range []*Store{m.here, m.there} {
		if files := poolFiles(t, s); (s == at) != (len(files) == 1) {
			t.Errorf("left in a pool: %v", files)
		}
	}
	if at != m.here {
		m.here, m.there = m.there, m.here
	}
}

func TestAMoveThatIsCutNeverRunsTwice(t *testing.T) {
	a, b, toA, toB := between(t)
	m := newMovers(t, a, b)
	for range rounds(t, 5) {
		wire := toA
		if m.here == a {
			wire = toB
		}
		m.disturbed(func() { wire.setCut(true) }, func() {
			wire.setCut(false)
			m.here.PeerBack()
		})
	}
	ok(t, m.here.Migrate(t.Context(), "m", "other", fusion.MigrateOptions{}))
}

func TestAMoveSurvivesItsDaemons(t *testing.T) {
	a, b, _, _ := between(t)
	m := newMovers(t, a, b)
	for i := range rounds(t, 4) {
		victim := []*Store{m.here, m.there}[i%2]
		m.disturbed(func() {
			ok(t, syscall.Kill(daemonPID(t, victim.config), syscall.SIGKILL))
			eventually(t, "libvirt is away", func() bool { return !victim.connected() })
		}, func() {
			eventually(t, "libvirt is back", victim.connected)
		})
	}
	ok(t, m.here.Migrate(t.Context(), "m", "other", fusion.MigrateOptions{}))
}

// TestAMachineMovesOff: as files, with what is in its CD drive.
func TestAMachineMovesOff(t *testing.T) {
	a, b, toA, _ := between(t)
	iso := []byte("no CD that boots")
	ok(t, a.Upload(t.Context(), "x.iso", int64(len(iso)), bytes.NewReader(iso)))
	m := must(a.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 64 << 20, ISO: "x.iso"}))(t)
	ok(t, a.Migrate(t.Context(), "m", "b", fusion.MigrateOptions{}))
	there := must(b.Get(t.Context(), "m"))(t)
	if there.UUID != m.UUID || there.State != fusion.Off {
		t.Errorf("%+v", there)
	}
	if files := poolFiles(t, b); len(files) != 2 {
		t.Errorf("there: %v", files)
	}
	if files := poolFiles(t, a); len(files) != 1 || files[0] != "x.iso" {
		t.Errorf("left at the source: %v", files)
	}
	events := watch(t, b)
	ok(t, b.Do(t.Context(), "m", fusion.Start))
	events.await(t, "m running")

	// Back while it runs: the image is there already.
	ok(t, b.Migrate(t.Context(), "m", "a", fusion.MigrateOptions{}))
	if files := poolFiles(t, a); len(files) != 2 {
		t.Errorf("back: %v", files)
	}

	// What cannot move says why, and leaves nothing there.
	ok(t, a.Do(t.Context(), "m", fusion.Pause))
	refused(t, a.Migrate(t.Context(), "m", "b", fusion.MigrateOptions{}), fusion.ErrInvalid)
	must(b.Create(t.Context(), fusion.MachineSpec{Name: "m"}))(t)
	ok(t, a.Do(t.Context(), "m", fusion.Resume))
	refused(t, a.Migrate(t.Context(), "m", "b", fusion.MigrateOptions{}), fusion.ErrExists)
	toA.setCut(true)
	if n := pending(t, a) + pending(t, b); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}

func TestAMoveIsCanceled(t *testing.T) {
	a, b, _, _ := between(t)
	must(a.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 64 << 20, Start: true}))(t)
	ctx, cancel := context.WithCancel(t.Context())
	ctx = fusion.WithReporter(ctx, func(p fusion.Progress) {
		if p.Total > 0 { // libvirt said the first word
			cancel()
		}
	})
	err := a.Migrate(ctx, "m", "b", fusion.MigrateOptions{})
	t.Log(err)
	if m, gone := a.Get(t.Context(), "m"); gone == nil {
		if err == nil || m.State != fusion.Running {
			t.Errorf("it is %s here, and the move says %v", m.State, err)
		}
	} else if err != nil { // it was too late to stop it
		t.Errorf("it moved, and the move says %v", err)
	}
	if n := pending(t, a) + pending(t, b); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}
