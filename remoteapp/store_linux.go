package remoteapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/remoteapp/desktop"
)

// Store runs the apps of this computer. Its goroutines are one loop for each
// app and one that hears of writes to handed files; Close ends them and waits, and leaves the apps running.
type Store struct {
	cfg       Config
	catalogue desktop.Catalogue
	lock      *os.File
	watchers  watchers
	handover  *handover

	ctx  context.Context // of the loops
	stop context.CancelFunc
	wg   sync.WaitGroup // of the loops, and of Runs that are starting

	mu        sync.Mutex           // guards the fields below
	instances map[string]*instance // by instance name; nil while it starts
	records   map[string]record
	closed    bool // nothing starts any more

	desktopMu sync.Mutex // guards desktop, and is held while it starts
	desktop   *server
}

// Open adopts the apps that outlived the last node and ends the leftovers of
// dead ones. A Dir that another Store has open is ErrBusy.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if cfg.Dir == "" {
		return nil, &fusion.Error{Op: "app.open", Cause: fusion.ErrInvalid, Detail: "no directory"}
	}
	var err error
	for _, dir := range []*string{&cfg.Dir, &cfg.RunDir} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(*dir, 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, lock: lock, instances: map[string]*instance{}, records: map[string]record{},
		catalogue: desktop.Catalogue{Dirs: cfg.DataDirs, Log: cfg.Log,
			Desktops: filepath.SplitList(os.Getenv("XDG_CURRENT_DESKTOP"))}}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if s.handover, err = openHandover(filepath.Join(cfg.Dir, "files"), cfg.Log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.wg.Go(s.handover.watch)
	if err := s.adopt(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.handover.settle(s.runs)
	return s, nil
}

func (s *Store) runs(instance string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, runs := s.records[instance]
	return runs
}

func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, &fusion.Error{Op: "app.open", Path: dir, Cause: fusion.ErrBusy,
			Hint: "another node uses this directory"}
	}
	return lock, nil
}

// Close leaves the apps running and ends the watching of them.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	var failed error
	if s.handover != nil {
		failed = s.handover.close()
	}
	s.wg.Wait()
	s.desktopMu.Lock()
	defer s.desktopMu.Unlock()
	if s.desktop != nil {
		_ = s.desktop.conn.Close() // the display may be gone
		s.desktop = nil
	}
	return errors.Join(failed, s.lock.Close())
}

// EndAll ends every app, and the private desktop. No app starts afterwards.
func (s *Store) EndAll(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	all := slices.Collect(maps.Values(s.instances))
	s.mu.Unlock()
	for _, i := range all {
		if i != nil {
			i.askEnd()
		}
	}
	var failed error
	for _, i := range all {
		if i != nil {
			failed = errors.Join(failed, waitFor(ctx, i.ended))
		}
	}
	return errors.Join(failed, s.endDesktop(ctx))
}

func waitFor(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// End asks the app of a screen to end; see fusion.Apps.
func (s *Store) End(ctx context.Context, screen string) error {
	i, err := s.find("app.end", screen)
	if err != nil {
		return err
	}
	i.askEnd()
	return waitFor(ctx, i.ended)
}

// Screens gives the screens of the running apps, by name.
func (s *Store) Screens() []fusion.Screen {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []fusion.Screen
	for _, name := range slices.Sorted(maps.Keys(s.instances)) {
		if i := s.instances[name]; i != nil {
			if screen, shown := i.Screen(); shown {
				all = append(all, screen)
			}
		}
	}
	return all
}

// Display gives the X display of an app's screen.
func (s *Store) Display(screen string) (Display, error) {
	i, err := s.find("screen.open", screen)
	if err != nil {
		return Display{}, err
	}
	return i.display(), nil
}

// Resize gives an app's display another size, at most 3840 by 2160; its window
// fills it.
func (s *Store) Resize(_ context.Context, screen string, width, height int) error {
	i, err := s.find("screen.resize", screen)
	if err != nil {
		return err
	}
	if width < 1 || height < 1 || width > maxWidth || height > maxHeight {
		return &fusion.Error{Op: "screen.resize", Path: screen, Cause: fusion.ErrInvalid,
			Detail: fmt.Sprintf("%d by %d pixels", width, height),
			Hint:   fmt.Sprintf("at most %d by %d", maxWidth, maxHeight)}
	}
	if err := i.conn.Resize(width, height); err != nil {
		return &fusion.Error{Op: "screen.resize", Path: screen, Cause: err}
	}
	return nil
}

// Watch calls changed with each app screen there is, then with each that came,
// changed its title or size, or is gone, until ctx ends.
func (s *Store) Watch(ctx context.Context, changed func(screen fusion.Screen, removed bool)) error {
	return s.watchers.watch(ctx, s.Screens, changed)
}

func (s *Store) find(op, screen string) (*instance, error) {
	machine, name, _ := strings.Cut(screen, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.instances[name]; i != nil && machine == fusion.Self {
		return i, nil
	}
	return nil, &fusion.Error{Op: op, Path: screen, Cause: fusion.ErrNotFound, Hint: "the app has ended"}
}

// keep saves what a restarted node must know of a display.
func (s *Store) keep(r record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[r.Instance] = r
	return s.save()
}

// forget takes a display that has ended out of the books.
func (s *Store) forget(i *instance) {
	s.handover.ended(i.Instance)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.instances, i.Instance)
	delete(s.records, i.Instance)
	if err := s.save(); err != nil {
		s.cfg.Log.Error("state of apps not saved", "err", err)
	}
}

// save writes instances.json; the caller holds mu.
func (s *Store) save() error {
	list := make([]record, 0, len(s.records))
	for _, name := range slices.Sorted(maps.Keys(s.records)) {
		list = append(list, s.records[name])
	}
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	path := s.statePath()
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (s *Store) statePath() string { return filepath.Join(s.cfg.Dir, "instances.json") }
