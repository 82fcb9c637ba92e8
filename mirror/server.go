package mirror

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/files"
	"hither/mirror/sound"
	"hither/mirror/wire"
)

// Locator knows the screens of this host's machines.
type Locator interface {
	// List is Screens.List.
	List(ctx context.Context, machine string) ([]fusion.Screen, error)
	// Open gives the source of a screen when its first view begins; the server
	// closes it. ctx bounds the opening only. It promises ErrNotFound, and
	// ErrInvalid when the machine is off.
	Open(ctx context.Context, screen string) (Located, error)
}

// Located is an opened screen.
type Located struct {
	Screen fusion.Screen
	Source capture.Source
	// Sound, if any, is what the screen's programs play to.
	Sound sound.Device
	// Session says that Sound is that of this computer's session, which is no
	// matter for viewers on this computer.
	Session bool
	// Bye, if any, is called when a viewer with input closed the view for
	// good: an app then ends. The server's Close waits for it.
	Bye func()
}

// Config of a Server; the zero value works.
type Config struct {
	Log *slog.Logger // default: silent
	// Pasted is where files go that are pasted here, and Dropped where those go
	// that are dropped onto a view; nil takes none.
	Pasted, Dropped files.Place
	// Moving says whether a screen that ends here goes on at another host; nil: none
	// does. Its viewers then are not told that it ended, and look for it.
	Moving func(screen string) bool
}

// moves says whether a view that ends so goes on elsewhere.
func (s *Server) moves(screen string, closed wire.Closed) bool {
	return closed.Reason == wire.Ended && s.cfg.Moving != nil && s.cfg.Moving(screen)
}

// Server opens the screens of this host. It runs a goroutine per Bye and End,
// and for a view of windows two and one per window; Close waits for them, and
// until every source is freed.
type Server struct {
	locator Locator
	log     *slog.Logger
	sounds  *sound.Feeds
	cfg     Config
	running sync.WaitGroup
	hands   hands

	mu       sync.Mutex // guards the fields below
	screens  map[string]*screen
	sessions map[*session]bool
	closed   bool
}

var _ fusion.Screens = (*Server)(nil)

// NewServer makes a server of the screens that locator knows.
func NewServer(locator Locator, config Config) *Server {
	log := cmp.Or(config.Log, slog.New(slog.DiscardHandler))
	return &Server{locator: locator, log: log, cfg: config, sounds: sound.NewFeeds(log),
		hands: hands{of: map[string]*seat{}}, screens: map[string]*screen{}, sessions: map[*session]bool{}}
}

// List is fusion.Screens.List.
func (s *Server) List(ctx context.Context, machine string) ([]fusion.Screen, error) {
	return s.locator.List(ctx, machine)
}

// Open is fusion.Screens.Open.
func (s *Server) Open(ctx context.Context, name string, options fusion.ViewOptions) (fusion.Pipe, error) {
	if options.Windows {
		pipe, err := s.openWindows(ctx, name, options)
		if !errors.Is(err, fusion.ErrUnsupported) {
			return pipe, err
		}
	}
	for {
		sc, first, err := s.screen(name)
		if err != nil {
			return nil, err
		}
		if first {
			if err := s.start(ctx, sc); err != nil {
				return nil, err
			}
		}
		select {
		case <-sc.opened:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// A screen that failed to open, or ended since, is gone from the
		// table: open it anew.
		if v := sc.join(options); v != nil {
			s.log.Info("view opened", "screen", name, "trace", fusion.Trace(ctx))
			return v, nil
		}
	}
}

// screen finds the captured screen, or makes one that the caller must start.
func (s *Server) screen(name string) (sc *screen, first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, &fusion.Error{Op: "screen.open", Path: name, Cause: fusion.ErrOffline, Detail: "the node stops"}
	}
	if sc := s.screens[name]; sc != nil {
		return sc, false, nil
	}
	sc = newScreen(s, name, sync.NewCond(new(sync.Mutex)))
	s.screens[name] = sc
	return sc, true, nil
}

// start opens the source of a new screen and begins to capture.
func (s *Server) start(ctx context.Context, sc *screen) error {
	located, err := s.locator.Open(ctx, sc.name)
	s.mu.Lock()
	if err == nil && s.closed {
		err = &fusion.Error{Op: "screen.open", Path: sc.name, Cause: fusion.ErrOffline, Detail: "the node stops"}
		_ = located.Source.Close()
	}
	if err != nil {
		delete(s.screens, sc.name)
		s.mu.Unlock()
		sc.fail()
		return err
	}
	s.running.Add(1)
	s.mu.Unlock()
	sc.shared = share(located.Source)
	sc.begin(located) // running counts it until its source is freed
	return nil
}

// forget takes a screen that ended out of the table.
func (s *Server) forget(sc *screen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.screens[sc.name] == sc {
		delete(s.screens, sc.name)
	}
}

// bye tells the owner of a screen that its viewer closed it for good.
func (s *Server) bye(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == nil || s.closed {
		return
	}
	s.running.Go(f)
}

// End ends the views of a screen whose owner knows that it is gone. The source
// tells it too, but is asked only while some viewer can take a frame.
func (s *Server) End(screen string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sc := s.screens[screen]; sc != nil && !s.closed {
		s.running.Go(func() { sc.stop("the screen has ended") }) // it may still be opening
	}
	for _, v := range s.watching(screen) {
		if !s.closed {
			s.running.Go(func() { v.end(wire.Closed{Reason: wire.Ended, Text: "the app has ended"}) })
		}
	}
}

func (s *Server) all() []*screen {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*screen
	for _, sc := range s.screens {
		all = append(all, sc)
	}
	return all
}

// Close ends all views and captures and waits for them. Open then promises
// ErrOffline.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	sessions := s.watching("")
	s.mu.Unlock()
	for _, v := range sessions {
		v.end(wire.Closed{Reason: wire.Ended, Text: "the node stops"})
	}
	for _, sc := range s.all() {
		sc.stop("the node stops")
	}
	s.sounds.Close()
	s.running.Wait()
	return nil
}
