package hosttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

// heard collects what a Watch of machines or folders tells.
type heard[T any] struct {
	mu     sync.Mutex
	last   map[string]T // by name; what is gone is in gone
	gone   map[string]bool
	ended  chan error
	cancel context.CancelFunc
}

// listen runs a Watch until the test ends.
func listen[T any](s *suite, t *testing.T, name func(T) string, watch func(context.Context, func(T, bool)) error) *heard[T] {
	ctx, cancel := context.WithCancel(s.ctx(t))
	h := &heard[T]{last: map[string]T{}, gone: map[string]bool{}, ended: make(chan error, 1), cancel: cancel}
	t.Cleanup(cancel)
	go func() {
		h.ended <- watch(ctx, func(value T, removed bool) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.gone[name(value)] = removed; removed {
				delete(h.last, name(value))
			} else {
				h.last[name(value)] = value
			}
		})
	}()
	return h
}

// is says whether the last that was told of a name matches.
func (h *heard[T]) is(name string, match func(T) bool) func() bool {
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		value, there := h.last[name]
		return there && match(value)
	}
}

func (h *heard[T]) isGone(name string) func() bool {
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.gone[name]
	}
}

func (s *suite) listenMachines(t *testing.T) *heard[fusion.Machine] {
	return listen(s, t, func(m fusion.Machine) string { return m.Name }, s.host.Machines().Watch)
}

func whatever[T any](T) bool { return true }

// testMachineWatch: what is now is told, then what changes.
func (s *suite) testMachineWatch(t *testing.T) {
	old := s.create(t, fusion.MachineSpec{}).Name
	told := s.listenMachines(t)
	s.eventually(t, "word of self", told.is(fusion.Self, whatever))
	s.eventually(t, "word of a machine there was", told.is(old, whatever))
	name := s.create(t, fusion.MachineSpec{Start: true}).Name
	s.eventually(t, "word of a running machine", told.is(name, func(m fusion.Machine) bool { return m.State == fusion.Running }))
	s.discard(t, name)
	s.eventually(t, "word of a removed machine", told.isGone(name))
	told.cancel()
	s.ends(t, "watch", told.ended)
}

// testMachineWatchRace: a change that comes while a Watch begins is not lost,
// and what was before it does not win.
func (s *suite) testMachineWatchRace(t *testing.T) {
	name := s.create(t, fusion.MachineSpec{Start: true}).Name
	s.until(t, name, fusion.Running)
	for range 4 {
		for _, step := range []struct {
			verb  fusion.Verb
			state fusion.MachineState
		}{{fusion.Pause, fusion.Paused}, {fusion.Resume, fusion.Running}} {
			told := s.listenMachines(t)
			must(t, string(step.verb), s.host.Machines().Do(s.ctx(t), name, step.verb))
			s.eventually(t, "word of "+string(step.state), told.is(name, func(m fusion.Machine) bool { return m.State == step.state }))
			told.cancel()
			s.ends(t, "watch", told.ended)
		}
	}
}

// ends waits for a call whose context has ended, and checks its error.
func (s *suite) ends(t *testing.T, what string, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s ended with %v", what, err)
		}
	case <-time.After(s.Patience):
		t.Fatalf("%s goes on after its context ended", what)
	}
}

// hostWatch runs a Watch, and checks the order of its events.
type hostWatch struct {
	mu     sync.Mutex
	events []fusion.Event
	wrong  string
	ended  chan error
	cancel context.CancelFunc
}

func (s *suite) watchHost(t *testing.T) *hostWatch {
	ctx, cancel := context.WithCancel(s.ctx(t))
	w := &hostWatch{ended: make(chan error, 1), cancel: cancel}
	t.Cleanup(cancel)
	go func() {
		for e, err := range s.host.Watch(ctx) {
			if err != nil {
				w.ended <- err
				return
			}
			w.mu.Lock()
			if n := len(w.events); n > 0 && e.Seq != w.events[n-1].Seq+1 {
				w.wrong = "a gap in Seq"
			}
			w.events = append(w.events, e)
			w.mu.Unlock()
		}
		w.ended <- errors.New("no error")
	}()
	return w
}

func (w *hostWatch) has(match func(fusion.Event) bool) func() bool {
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.ContainsFunc(w.events, match)
	}
}

// present gives the events before EventReady, and whether that has come.
func (w *hostWatch) present() ([]fusion.Event, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.events, func(e fusion.Event) bool { return e.Kind == fusion.EventReady })
	return slices.Clone(w.events[:max(i, 0)]), i >= 0
}

// testReady: what is now comes first, then the word that it is complete.
func (s *suite) testReady(t *testing.T) {
	w := s.watchHost(t)
	s.eventually(t, "ready", func() bool { _, ready := w.present(); return ready })
	now, _ := w.present()
	if !slices.ContainsFunc(now, func(e fusion.Event) bool { return e.Kind == fusion.EventHost && e.Host != nil && e.Host.Name != "" }) {
		t.Error("the host itself is missing")
	}
	list, err := s.host.Machines().List(s.ctx(t))
	must(t, "list", err)
	for _, m := range list {
		s.eventually(t, "word of "+m.Name, w.has(func(e fusion.Event) bool {
			return e.Kind == fusion.EventMachine && e.Machine != nil && e.Machine.Name == m.Name && !e.Removed
		}))
	}
	w.cancel()
	s.ends(t, "watch", w.ended)
	if w.wrong != "" {
		t.Error(w.wrong)
	}
	for range s.host.Watch(s.ctx(t)) {
		break // a watcher may leave at any time
	}
}

// testHostWatch: changes follow what is now.
func (s *suite) testHostWatch(t *testing.T) {
	old := s.create(t, fusion.MachineSpec{}).Name
	w := s.watchHost(t)
	s.eventually(t, "ready", func() bool { _, ready := w.present(); return ready })
	// It was made just now, so that it may come as a change too.
	s.eventually(t, "word of a machine there was", w.has(func(e fusion.Event) bool {
		return e.Machine != nil && e.Machine.Name == old && !e.Removed
	}))
	name := s.create(t, fusion.MachineSpec{Start: true}).Name
	machine := func(match func(fusion.Event) bool) func() bool {
		return w.has(func(e fusion.Event) bool {
			return e.Kind == fusion.EventMachine && e.Machine != nil && e.Machine.Name == name && match(e)
		})
	}
	s.eventually(t, "word of a running machine", machine(func(e fusion.Event) bool { return e.Machine.State == fusion.Running }))
	s.discard(t, name)
	s.eventually(t, "word of a removed machine", machine(func(e fusion.Event) bool { return e.Removed }))
	w.cancel()
	s.ends(t, "watch", w.ended)
	if w.wrong != "" {
		t.Error(w.wrong)
	}
}
