package hosttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

// readers are the calls that change nothing.
func (s *suite) readers() map[string]func(context.Context) error {
	h := s.host
	calls := map[string]func(context.Context) error{
		"info":         func(ctx context.Context) error { _, err := h.Info(ctx); return err },
		"machine list": func(ctx context.Context) error { _, err := h.Machines().List(ctx); return err },
		"machine get":  func(ctx context.Context) error { _, err := h.Machines().Get(ctx, fusion.Self); return err },
		"resources":    func(ctx context.Context) error { _, err := h.Resources(ctx); return err },
		"stats":        func(ctx context.Context) error { _, err := h.Machines().Stats(ctx); return err },
	}
	if s.Monitor {
		calls["screen list"] = func(ctx context.Context) error { _, err := h.Screens().List(ctx, fusion.Self); return err }
	}
	if s.Apps {
		calls["app list"] = func(ctx context.Context) error { _, err := h.Apps().List(ctx, fusion.Self, "de"); return err }
	}
	if s.Folders {
		calls["folder list"] = func(ctx context.Context) error { _, err := h.Folders().List(ctx); return err }
	}
	return calls
}

// testEnded: a call whose context has ended comes back, with its error if any.
func (s *suite) testEnded(t *testing.T) {
	calls := s.readers()
	calls["machine watch"] = func(ctx context.Context) error {
		return s.host.Machines().Watch(ctx, func(fusion.Machine, bool) {})
	}
	calls["host watch"] = func(ctx context.Context) error {
		for _, err := range s.host.Watch(ctx) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	if s.VMs {
		name := fresh("vm")
		t.Cleanup(func() { s.discard(t, name) })
		calls["create"] = func(ctx context.Context) error {
			_, err := s.host.Machines().Create(ctx, fusion.MachineSpec{Name: name, MemoryBytes: 64 << 20})
			return err
		}
	}
	if s.Folders {
		calls["folder watch"] = func(ctx context.Context) error {
			return s.host.Folders().Watch(ctx, func(fusion.Folder, bool) {})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls {
		ended := make(chan error, 1)
		go func() { ended <- call(ctx) }()
		select {
		case err := <-ended:
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(s.Patience):
			t.Fatalf("%s goes on after its context ended", name)
		}
	}
}

// testMany: many goroutines use one host.
func (s *suite) testMany(t *testing.T) {
	const callers, rounds = 8, 5
	ctx, calls := s.ctx(t), s.readers()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range rounds {
				for name, call := range calls {
					if err := call(ctx); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		})
		all.Go(func() {
			for e, err := range s.host.Watch(ctx) {
				if err != nil {
					t.Errorf("watch: %v", err)
				}
				if err != nil || e.Kind == fusion.EventReady {
					return
				}
			}
		})
	}
	all.Wait()
}
