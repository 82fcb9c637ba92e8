package mirror

import (
	"context"
	"sync"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/sound"
	"hither/mirror/wire"
)

// WindowLocator is a Locator that knows the windows of apps too.
type WindowLocator interface {
	Locator
	// OpenWindows opens the windows of a screen for one view of them; the
	// server closes it. ctx bounds the opening only. It promises ErrNotFound,
	// and ErrUnsupported for a screen without windows of its own: that is
	// shown as one picture.
	OpenWindows(ctx context.Context, screen string) (LocatedWindows, error)
}

// LocatedWindows are the opened windows of an app.
type LocatedWindows struct {
	Screen  fusion.Screen
	Windows Windows
	// Sound is as in Located.
	Sound sound.Device
	// Bye is as in Located.
	Bye func()
}

// Windows are the windows of an app on its display. Next is called from one
// goroutine, the other methods from any. IDs are Windows' own and never used
// again. What is asked of a window that is gone is no error. Windows that are
// capture.Clipboarded have the clipboard of their display.
type Windows interface {
	// Next waits for a change and gives all windows, parents before their
	// children; at first it gives those there are. It returns io.EOF when the
	// app ended or Close was called.
	Next() ([]Window, error)
	// Open begins to capture a window.
	Open(id uint32) (capture.Source, error)
	// Input applies a wire.Key, Pointer, Button, Wheel or Text to a window, or
	// wherever the pointer and the focus are when id is 0.
	Input(id uint32, event wire.Message) error
	// Do applies a wire.Place, State, Shut or Desk. They take effect when the
	// window manager says so, and Next tells.
	Do(wish wire.Message) error
	// Close wakes Next. The windows stay.
	Close() error
}

// Window is a window and its icon.
type Window struct {
	wire.Window
	Icon string // a PNG, or nothing
}

// openWindows opens a view of windows.
func (s *Server) openWindows(ctx context.Context, name string, options fusion.ViewOptions) (fusion.Pipe, error) {
	locator, knows := s.locator.(WindowLocator)
	if !knows {
		return nil, fusion.ErrUnsupported
	}
	located, err := locator.OpenWindows(ctx, name)
	if err != nil {
		return nil, err
	}
	v := newSession(s, name, options, located)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = located.Windows.Close()
		return nil, &fusion.Error{Op: "screen.open", Path: name, Cause: fusion.ErrOffline, Detail: "the node stops"}
	}
	s.sessions[v] = true
	s.running.Go(v.watch)
	s.running.Go(v.act)
	s.log.Info("view of windows opened", "screen", name, "trace", fusion.Trace(ctx))
	return v, nil
}

// leave takes out a session that ended.
func (s *Server) leave(v *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, v)
}

// watching gives the views of a screen's windows, of all screens for "". It
// needs mu.
func (s *Server) watching(name string) []*session {
	var all []*session
	for v := range s.sessions {
		if name == "" || v.name == name {
			all = append(all, v)
		}
	}
	return all
}

// session is a view of an app's windows: one pipe for all of them. Each window
// is a screen with one view, made as windows come, and all of them share one
// lock and wake; so Read waits for all at once. Two goroutines of the session
// follow the windows and move them; a third one per window captures.
type session struct {
	server  *Server
	name    string
	options fusion.ViewOptions
	located LocatedWindows
	done    chan struct{} // closed by end
	leave   sync.Once     // closes done

	seat *seat // nil if the view only looks

	reader reader
	over   uint32 // the writer's own: which window its messages concern
	held   held   // the writer's and end's
	ear    *ear

	mu      sync.Mutex // guards the fields below, and what is guarded by the mu of the windows' screens
	wake    *sync.Cond
	desk    *wire.Desk // to be done
	ready   bool       // the first desk was: windows may come
	panes   map[uint32]*pane
	order   []*pane  // as Next gave them
	gone    []uint32 // to be told; each was told of before
	todo    []*pane  // with wishes, first come first
	pongs   []uint64
	untyped string // to be told
	able    *wire.Able
	closed  *wire.Closed // set once: what to say last
	dropped bool         // Close was called: say nothing more
}

// pane is a window of a session. The session's mu guards it.
type pane struct {
	id    uint32 // now.ID; it never changes
	now   Window
	view  *view // nil until it is captured
	told  bool  // the viewer knows it, as said and with icon
	said  wire.Window
	icon  string
	begun uint64 // the reader's own: when its last frame began

	place *wire.Place // what the viewer wishes
	state *wire.State
	shut  bool
}

func newSession(s *Server, name string, options fusion.ViewOptions, located LocatedWindows) *session {
	v := &session{server: s, name: name, options: options, located: located, done: make(chan struct{}), panes: map[uint32]*pane{}}
	v.wake = sync.NewCond(&v.mu)
	v.ear = newEar(s, name, Located{Sound: located.Sound}, options, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.wake.Broadcast()
	})
	v.seat = share(located.Windows).sit(s, name, options, v.wakeReader)
	return v
}

func (s *session) wakeReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake.Broadcast()
}

var _ fusion.Pipe = (*session)(nil)

// end says why and ends the view; Read gives what is left to say.
func (s *session) end(closed wire.Closed) {
	s.mu.Lock()
	if s.closed == nil {
		s.closed = &closed
	}
	s.wake.Broadcast()
	s.mu.Unlock()
	s.leave.Do(func() {
		close(s.done)
		s.held.end(s.aim(0))
		s.ear.close()
		s.seat.leave()
		for _, v := range s.views() {
			_ = v.Close() // never fails
		}
		if err := s.located.Windows.Close(); err != nil {
			s.server.log.Debug("windows closed", "screen", s.name, "error", err)
		}
		s.server.leave(s)
	})
}

// views gives the views of the windows that are captured.
func (s *session) views() []*view {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*view
	for _, p := range s.order {
		if p.view != nil {
			all = append(all, p.view)
		}
	}
	return all
}

// Close ends the view and wakes Read. The windows stay.
func (s *session) Close() error {
	s.mu.Lock()
	s.dropped = true
	s.mu.Unlock()
	s.end(wire.Closed{Reason: wire.Ended})
	return nil
}
