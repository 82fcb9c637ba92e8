package netboot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hither/fusion"
)

// Invitation is an open pairing code that stands beside those that a person reads aloud.
type Invitation interface {
	// Code is the code, and Addr where it is used, a multiaddr.
	Code() string
	Addr() string
	// Wait gives the computer that used it, or why nobody can any more.
	Wait(ctx context.Context) (fusion.HostID, error)
	Close() error
}

// Config is what a Server needs of the node. All but Log are required.
type Config struct {
	// Dir is the Server's own directory, and File where it keeps its list.
	Dir, File string
	// Name is what this computer is called.
	Name string
	// Installer puts the kernel and the initramfs of an image's installer into dir.
	Installer func(ctx context.Context, image, dir string) (kernel, initrd string, err error)
	// Args are the kernel's.
	Args string
	// Preseed writes what the installer is told; early and late are lines for its shell.
	Preseed func(seed fusion.Seed, hash, disk, early, late string) ([]byte, error)
	// Pack packs files for the kernel to unpack over its initramfs.
	Pack func(files map[string][]byte) []byte
	// Hash gives what a system keeps of a password.
	Hash func(password string) (string, error)
	// Invite opens a code until a time, for a computer that reaches this one at an address.
	// code is "" for a new one, or one that was open before.
	Invite func(ctx context.Context, at netip.Addr, code string, grants []fusion.Capability, until time.Time) (Invitation, error)
	// Job runs an installation that goes on after a restart of the node as one of its jobs.
	Job func(ctx context.Context, op, name string, work func(context.Context) error) error
	// Log is silent by default.
	Log *slog.Logger

	program string           // the node's own; default: the file that runs
	loaders string           // where iPXE is; default: /usr/lib/ipxe
	now     func() time.Time // default: time.Now
	open    func(spec place) (doors, error)
	mac     func(netip.Addr) string // whose address it is; default: the kernel's table
	places  func() ([]place, error) // default: the computer's
}

// Server is the network boot of one computer. All methods may be called from many goroutines.
type Server struct {
	cfg     Config
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // installations that go on after a restart

	switching sync.Mutex // held while doors open or close

	mu      sync.Mutex // guards the fields below
	list    book
	at      place // where it serves; zero while it does not
	doors   doors // nil while it does not
	why     error // why it does not although it is on
	changed chan struct{}
	count   int64 // of changes
	sum     string
}

var _ fusion.NetBoot = (*Server)(nil)

// Open reads what was kept, and serves again if that was on. That it cannot is no error:
// Show tells it.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.program = cmp.Or(cfg.program, ownProgram)
	cfg.loaders = cmp.Or(cfg.loaders, loaderDir)
	if cfg.now == nil {
		cfg.now = time.Now
	}
	if cfg.mac == nil {
		cfg.mac = neighbour
	}
	if cfg.places == nil {
		cfg.places = places
	}
	s := &Server{cfg: cfg, changed: make(chan struct{}), count: cfg.now().UnixMilli()}
	if cfg.open == nil {
		s.cfg.open = s.openDoors
	}
	var err error
	if s.list, err = readBook(cfg.File); err != nil {
		return nil, err
	}
	if err := sweep(cfg.Dir); err != nil {
		return nil, &fusion.Error{Op: "netboot", Path: cfg.Dir, Cause: err}
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if s.list.On {
		if err := s.serve(s.list.Interface); err != nil {
			cfg.Log.Warn("network boot is on but does not serve", "err", err)
			s.why = err
		}
	}
	s.resume()
	return s, nil
}

// sweep removes kernels of installations that ended with another node.
func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// Close ends serving. What is to be installed stays so for the next Open.
func (s *Server) Close() error {
	s.cancel()
	s.switching.Lock()
	defer s.switching.Unlock()
	err := s.stop()
	s.running.Wait()
	return err
}

// touch tells whoever waits in Show. mu is held.
func (s *Server) touch() {
	s.count++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Show is fusion.NetBoot's.
func (s *Server) Show(ctx context.Context, after int64) (fusion.NetBootState, error) {
	late := time.NewTimer(fusion.NetBootWait)
	defer late.Stop()
	s.mu.Lock()
	for after != 0 && s.count == after && ctx.Err() == nil && s.ctx.Err() == nil {
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		case <-s.ctx.Done():
		case <-late.C:
			after = 0
		}
		s.mu.Lock()
	}
	state := s.stateLocked()
	s.mu.Unlock()
	all, err := s.cfg.places()
	if err != nil {
		return state, &fusion.Error{Op: "netboot", Cause: err}
	}
	for _, p := range all {
		state.Interfaces = append(state.Interfaces, fusion.NetBootInterface{Name: p.name, Address: p.prefix.String()})
	}
	return state, ctx.Err()
}

func (s *Server) stateLocked() fusion.NetBootState {
	state := fusion.NetBootState{Revision: s.count, On: s.list.On, Interface: s.list.Interface, Interfaces: []fusion.NetBootInterface{},
		Computers: s.list.shown(s.cfg.now())}
	if s.doors != nil {
		state.Address = s.at.prefix.Addr().String()
	}
	if s.why != nil {
		state.Note, state.Hint = noteOf(s.why), fusion.Hint(s.why)
	}
	return state
}

// noteOf is an error in words, without its operation.
func noteOf(err error) string {
	var e *fusion.Error
	if errors.As(err, &e) && e.Detail != "" {
		return e.Detail
	}
	return err.Error()
}

const opSwitch = "netboot.switch"

// Switch is fusion.NetBoot's.
func (s *Server) Switch(ctx context.Context, spec fusion.NetBootSpec) (fusion.NetBootState, error) {
	s.switching.Lock()
	err := s.switched(spec)
	s.switching.Unlock()
	if err != nil {
		return fusion.NetBootState{}, err
	}
	s.cfg.Log.Info("network boot", "on", spec.On, "interface", s.list.Interface, "trace", fusion.Trace(ctx))
	return s.Show(ctx, 0)
}

// switched does it; switching is held. Doors that are open stay so when others cannot be opened.
func (s *Server) switched(spec fusion.NetBootSpec) error {
	if s.ctx.Err() != nil {
		return &fusion.Error{Op: opSwitch, Cause: fusion.ErrOffline, Detail: "the node is closing"}
	}
	s.mu.Lock()
	was, served := s.list.Interface, s.at.name
	s.mu.Unlock()
	if !spec.On {
		if err := s.keep(false, was); err != nil {
			return err
		}
		return s.stop()
	}
	at, err := s.choose(cmp.Or(spec.Interface, was))
	if err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	if err := s.serve(at.name); err != nil {
		if served != "" { // as it was before
			s.remember(s.serve(served))
		}
		return err
	}
	if err := s.keep(true, at.name); err != nil {
		return errors.Join(err, s.stop())
	}
	return nil
}

// keep writes down whether it is on.
func (s *Server) keep(on bool, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.list
	next.On, next.Interface = on, name
	if err := next.write(s.cfg.File); err != nil {
		return err
	}
	s.list, s.why = next, nil
	s.touch()
	return nil
}

func (s *Server) remember(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
	s.touch()
}

// serve opens the doors on an interface.
func (s *Server) serve(name string) error {
	at, err := s.choose(name)
	if err != nil {
		return err
	}
	opened, err := s.cfg.open(at)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.doors, s.why = at, opened, nil
	s.list.Port = opened.port()
	s.touch()
	return nil
}

// stop closes the doors.
func (s *Server) stop() error {
	s.mu.Lock()
	opened := s.doors
	s.at, s.doors = place{}, nil
	s.touch()
	s.mu.Unlock()
	if opened == nil {
		return nil
	}
	return opened.close()
}

// Forget is fusion.NetBoot's.
func (s *Server) Forget(ctx context.Context, mac string) error {
	const op = "netboot.forget"
	mac, err := fusion.ParseMAC(mac)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.list.find(mac)
	if c == nil {
		return &fusion.Error{Op: op, Path: mac, Cause: fusion.ErrNotFound, Detail: "no such computer asked", Hint: "hither netboot ls lists those that did"}
	}
	if c.end != nil {
		c.end(errForgotten)
	}
	if err := s.list.drop(mac, s.cfg.File); err != nil {
		return err
	}
	s.touch()
	s.cfg.Log.Info("a computer was taken off the list", "mac", mac, "trace", fusion.Trace(ctx))
	return nil
}

var errForgotten = &fusion.Error{Op: "netboot.install", Cause: fusion.ErrNotFound, Detail: "it was taken off the list",
	Hint: "hither netboot install installs it after all"}
