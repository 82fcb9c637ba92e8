package vmctl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"hither/fusion"
)

// pairs are stores that keep backups for each other, over the loopback.
type pairs struct {
	t      *testing.T
	mu     sync.Mutex // guards the fields below
	stores map[fusion.HostID]*Store
	denied map[fusion.HostID][]fusion.Capability // what a host may not do at others
	away   map[fusion.HostID]bool                // cannot be reached
	cut    atomic.Int64                          // a stream breaks after so many bytes to the keeper, 0 for never
	sent   atomic.Int64                          // bytes to keepers
	served sync.WaitGroup
}

func newPairs(t *testing.T) *pairs {
	p := &pairs{t: t, stores: map[fusion.HostID]*Store{}, denied: map[fusion.HostID][]fusion.Capability{}, away: map[fusion.HostID]bool{}}
	t.Cleanup(p.served.Wait)
	return p
}

// join makes a store that knows the others.
func (p *pairs) join(id fusion.HostID, f *fake, c Config) *Store {
	p.t.Helper()
	c.ID = id
	if c.Dir == "" {
		c.Dir = p.t.TempDir()
	}
	if c.keptSpare == 0 {
		c.keptSpare = 1
	}
	c.Keeper = func(to fusion.HostID) (Keeper, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.stores[to] == nil {
			return nil, &fusion.Error{Op: opBackup, Path: string(to), Cause: fusion.ErrNotFound, Detail: "not paired", Hint: KeeperHint}
		}
		return nearKeeper{p, id, to}, nil
	}
	s := storeOf(p.t, f, c)
	p.mu.Lock()
	p.stores[id] = s
	p.mu.Unlock()
	return s
}

type nearKeeper struct {
	p        *pairs
	from, to fusion.HostID
}

func (k nearKeeper) ID() fusion.HostID { return k.to }
func (k nearKeeper) Name() string      { return "host-" + string(k.to) }

func (k nearKeeper) store() (*Store, error) {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if k.p.away[k.to] {
		return nil, &fusion.Error{Op: "peers.dial", Path: string(k.to), Cause: fusion.ErrOffline, Hint: "wake it"}
	}
	return k.p.stores[k.to], nil
}

func (k nearKeeper) may(want fusion.Capability) bool {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	return !slices.Contains(k.p.denied[k.from], want)
}

func (k nearKeeper) Backups() fusion.Backups { return nearBackups{k: k} }

// nearBackups are a host's, which may be away.
type nearBackups struct {
	fusion.Backups
	k     nearKeeper
	place fusion.BackupPlace
}

func (b nearBackups) At(place fusion.BackupPlace) fusion.Backups {
	return nearBackups{k: b.k, place: place}
}

func (b nearBackups) Kept(ctx context.Context, of fusion.HostID, machine string) ([]fusion.KeptMachine, error) {
	s, err := b.k.store()
	if err != nil {
		return nil, err
	}
	return s.Backups().Kept(ctx, of, machine)
}

func (b nearBackups) Verify(ctx context.Context, machine, id string) (fusion.Backup, error) {
	s, err := b.k.store()
	if err != nil {
		return fusion.Backup{}, err
	}
	return s.Backups().At(b.place).Verify(ctx, machine, id)
}

func (b nearBackups) Remove(ctx context.Context, machine, id string) error {
	s, err := b.k.store()
	if err != nil {
		return err
	}
	return s.Backups().At(b.place).Remove(ctx, machine, id)
}

func (k nearKeeper) Dial(ctx context.Context) (net.Conn, error) {
	s, err := k.store()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	out, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	in, err := l.Accept()
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	k.p.served.Go(func() { _ = s.ServeBackups(context.Background(), k.from, k.may, in) })
	return &cutConn{Conn: out, p: k.p}, nil
}

// cutConn breaks after so many bytes.
type cutConn struct {
	net.Conn
	p    *pairs
	mine int64
}

func (c *cutConn) Write(b []byte) (int, error) {
	c.mine += int64(len(b))
	c.p.sent.Add(int64(len(b)))
	if cut := c.p.cut.Load(); cut > 0 && c.mine > cut {
		_ = c.Conn.Close()
	}
	return c.Conn.Write(b)
}

// lyingAt gives the backups of a store's machines that lie at a host.
func lyingAt(s *Store, id fusion.HostID) fusion.Backups {
	return s.Backups().At(fusion.BackupPlace{At: id})
}

// keptFiles lists what a store keeps for others, but directories.
func keptFiles(t *testing.T, s *Store) (files []string) {
	t.Helper()
	err := filepath.WalkDir(s.config.kept(), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	ok(t, err)
	return files
}

// keeping gives two paired Stores, the first one's driver, and a machine "m" there of 8 MiB.
func keeping(t *testing.T) (p *pairs, f *fake, a, nas *Store) {
	t.Helper()
	p, f = newPairs(t), newFake()
	a, nas = p.join("aaa", f, Config{}), p.join("nas", newFake(), Config{})
	must(a.Create(t.Context(), fusion.MachineSpec{Name: "m", DiskBytes: 8 << 20, MemoryBytes: 64 << 20}))(t)
	return p, f, a, nas
}

// qemuIO writes to a qcow2.
func qemuIO(t *testing.T, path string, commands ...string) {
	t.Helper()
	args := []string{"-f", "qcow2"}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	if out, err := exec.CommandContext(t.Context(), "qemu-io", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-io: %v: %s (install qemu-utils)", err, out)
	}
}

// noise writes a MiB that does not compress well: 16 clusters of different bytes.
func noise(t *testing.T, path string, at int) {
	t.Helper()
	var commands []string
	for n := range 16 {
		commands = append(commands, fmt.Sprintf("write -P %d %dk 64k", 16*at+n+1, at*1024+n*64))
	}
	qemuIO(t, path, commands...)
}
