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

// testMachineWatch: changes are told, the present state is not.
func (s *suite) testMachineWatch(t *testing.T) {
	machines := s.host.Machines()
	ctx, cancel := context.WithCancel(s.ctx(t))
	defer cancel()
	type told struct {
		machine fusion.Machine
		removed bool
	}
	var (
		mu    sync.Mutex
		heard []told
		ended = make(chan error, 1)
	)
	go func() {
		ended <- machines.Watch(ctx, func(m fusion.Machine, removed bool) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, told{m, removed})
		})
	}()
	has := func(match func(told) bool) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.ContainsFunc(heard, match)
		}
	}
	// Nothing says when a watch has begun, so machines are made until one is told.
	s.eventually(t, "word of a new machine", func() bool {
		name := s.create(t, fusion.MachineSpec{}).Name
		defer s.discard(t, name)
		for range 50 {
			if has(func(x told) bool { return x.machine.Name == name && !x.removed })() {
				return true
			}
			time.Sleep(20 * time.Millisecond)
		}
		return false
	})
	name := s.create(t, fusion.MachineSpec{Start: true}).Name
	s.eventually(t, "word of a running machine", has(func(x told) bool {
		return x.machine.Name == name && x.machine.State == fusion.Running
	}))
	s.discard(t, name)
	s.eventually(t, "word of a removed machine", has(func(x told) bool { return x.machine.Name == name && x.removed }))
	cancel()
	s.ends(t, "watch", ended)
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
		if !slices.ContainsFunc(now, func(e fusion.Event) bool {
			return e.Kind == fusion.EventMachine && e.Machine != nil && e.Machine.Name == m.Name && !e.Removed
		}) {
			t.Errorf("%s is missing", m.Name)
		}
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
	now, _ := w.present()
	if !slices.ContainsFunc(now, func(e fusion.Event) bool { return e.Machine != nil && e.Machine.Name == old }) {
		t.Errorf("%s is missing", old)
	}
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
