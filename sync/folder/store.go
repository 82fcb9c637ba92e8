package folder

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"hither/fusion"
)

// Config says where a store lives and how it reaches the other hosts. All
// fields but Log are required.
type Config struct {
	// Dir is where the store's own files are; made if missing.
	Dir string
	// Root is where folders that others share come to lie: Root/NAME.
	Root string
	// Self and Name are this host.
	Self fusion.HostID
	Name string
	// Dial opens a stream to the other host's Listener.
	Dial func(ctx context.Context, host fusion.HostID) (net.Conn, error)
	// Listener gives the streams of other hosts; each must tell whose it is by
	// a method Peer() fusion.HostID. Close closes it.
	Listener net.Listener
	// Paired says whether a host is paired, how a person calls it, and whether
	// it may use files here (own), so that its offers are taken at once. The
	// node calls SetOnline again when an answer changed.
	Paired func(host fusion.HostID) (name string, own, ok bool)
	// Log is silent when nil.
	Log *slog.Logger
}

// Store is the folders of this host. Its methods may be called from many
// goroutines. It runs: an accept loop and one goroutine per stream; one courier
// per host that is online; one goroutine that tells the watchers; and the
// engine. Close ends and waits for all of them.
type Store struct {
	cfg    Config
	log    *slog.Logger
	cert   tls.Certificate
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	// turn is held by whoever changes the ledger and the engine's settings.
	turn chan struct{}
	// ledger is replaced as a whole, by the holder of turn.
	ledger atomic.Pointer[ledger]
	// engine is nil until there is a folder; set by the holder of turn.
	engine atomic.Pointer[engine]
	hub    *hub

	mu       sync.Mutex // guards the fields below
	closed   bool
	peers    map[fusion.HostID]*peer // the hosts that are online
	links    map[fusion.HostID]*link
	refused  map[refusal]error // why the other side did not take an offer
	closedBy map[refusal]bool  // the other side no longer lets files flow
}

type refusal struct {
	folder string // ID
	host   fusion.HostID
}

var _ fusion.Folders = (*Store)(nil)

// Open reads the ledger and begins to listen. Syncthing's engine starts with
// the first folder, so a host without folders pays nothing for it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, wrap("folder.open", cfg.Dir, err)
	}
	root, err := filepath.Abs(cfg.Root)
	if err != nil {
		return nil, wrap("folder.open", cfg.Root, err)
	}
	cfg.Dir, cfg.Root = dir, root
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, wrap("folder.open", cfg.Dir, err)
	}
	cert, err := loadCertificate(cfg.Dir)
	if err != nil {
		return nil, wrap("folder.open", cfg.Dir, err)
	}
	kept, err := loadLedger(cfg.Dir)
	if err != nil {
		return nil, wrap("folder.open", cfg.Dir, err)
	}
	captureEngineLog(cfg.Log)
	s := &Store{cfg: cfg, log: cfg.Log, cert: cert, turn: make(chan struct{}, 1),
		peers: map[fusion.HostID]*peer{}, links: map[fusion.HostID]*link{}, refused: map[refusal]error{},
		closedBy: map[refusal]bool{}}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.ledger.Store(kept)
	s.hub = newHub(s.snapshot, s.retryFailed)
	if err := s.apply(kept); err != nil {
		s.cancel()
		return nil, err
	}
	s.hub.compare(s.snapshot())
	s.tasks.Go(func() { s.hub.run(s.ctx) })
	s.tasks.Go(s.accept)
	return s, nil
}

// Close stops the folders where they are and waits until all is written. The
// next Open goes on from there.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	err := s.cfg.Listener.Close()
	s.cancel()
	s.tasks.Wait()
	s.turn <- struct{}{} // never given back: nothing changes any more
	if e := s.engine.Load(); e != nil {
		e.stop()
	}
	return err
}

// change lets fn edit a copy of the ledger, writes it, and makes the engine
// follow. When any of it goes wrong the old ledger stays in force.
func (s *Store) change(ctx context.Context, fn func(*ledger) error) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return errClosed
	}
	defer func() { <-s.turn }()
	old := s.ledger.Load()
	next := old.clone()
	if err := fn(next); err != nil {
		return err
	}
	if err := next.save(s.cfg.Dir); err != nil {
		return wrap("folder.save", s.cfg.Dir, err)
	}
	s.ledger.Store(next)
	if err := s.apply(next); err != nil {
		s.ledger.Store(old)
		if back := old.save(s.cfg.Dir); back != nil {
			s.log.Error("the list of folders could not be put back", "error", back)
		}
		return err
	}
	s.hub.touch()
	return nil
}

// apply makes the engine follow l, and starts it with the first folder. The
// caller holds turn, or is Open.
func (s *Store) apply(l *ledger) error {
	e := s.engine.Load()
	if e == nil {
		if len(l.Folders) == 0 {
			return nil
		}
		var err error
		if e, err = startEngine(s.cfg, s.cert, s.settings(l), s.hub.touch); err != nil {
			return wrap("folder.engine", s.cfg.Dir, err)
		}
		s.engine.Store(e)
		return nil
	}
	if err := e.configure(s.settings(l)); err != nil {
		return wrap("folder.engine", s.cfg.Dir, err)
	}
	return nil
}

// allowed says whether files may flow with a share's host: this host offered
// the folder itself, or the other may use files here still.
func (s *Store) allowed(sh share) bool {
	_, own, ok := s.cfg.Paired(sh.Host)
	return ok && sh.Accepted && (own || sh.Offered)
}

func (s *Store) nameOf(host fusion.HostID) string {
	if name, _, ok := s.cfg.Paired(host); ok && name != "" {
		return name
	}
	return string(host)
}
