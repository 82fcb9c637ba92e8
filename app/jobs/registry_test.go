package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func registry(t *testing.T) *Registry {
	r := New()
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// watch gives what Watch tells.
func watch(t *testing.T, r *Registry) <-chan event {
	events := make(chan event, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Watch(ctx, func(j fusion.Job, removed bool) { events <- event{j, removed} }) }()
	for watched := false; !watched; runtime.Gosched() {
		r.mu.Lock()
		watched = len(r.watchers) > 0
		r.mu.Unlock()
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return events
}

func next(t *testing.T, events <-chan event) event {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(patience):
		t.Fatal("no event")
		panic("unreachable")
	}
}

func TestAJobIsToldOfFromItsBeginningToItsEnd(t *testing.T) {
	r := registry(t)
	events := watch(t, r)
	result, err := r.Do(t.Context(), Call{Op: "o", Name: "m"}, func(ctx context.Context) (any, error) {
		fusion.Report(ctx, fusion.Progress{Step: "one", Done: 1, Total: 2})
		return 7, nil
	})
	if result != 7 || err != nil {
		t.Fatal(result, err)
	}
	begun, step, ended := next(t, events), next(t, events), next(t, events)
	if begun.job.Op != "o" || begun.job.Name != "m" || begun.job.ID == "" || begun.job.Started.IsZero() || !begun.job.Ended.IsZero() {
		t.Errorf("begun: %+v", begun)
	}
	if step.job.Progress != (fusion.Progress{Step: "one", Done: 1, Total: 2}) {
		t.Errorf("going on: %+v", step)
	}
	if ended.job.Ended.IsZero() || ended.job.Error != "" || ended.removed {
		t.Errorf("ended: %+v", ended)
	}
}

func TestOneThatFailedIsTriedAgain(t *testing.T) {
	r := registry(t)
	call := Call{Caller: "c", Key: "k", Op: "o"}
	broken := errors.New("broken")
	if _, err := r.Do(t.Context(), call, func(context.Context) (any, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if v, err := r.Do(t.Context(), call, func(context.Context) (any, error) { return 1, nil }); v != 1 || err != nil {
		t.Error(v, err)
	}
	if v, err := r.Do(t.Context(), call, func(context.Context) (any, error) { return 2, nil }); v != 1 || err != nil {
		t.Error("one that ended well was done again:", v, err)
	}
}

func TestHiddenJobsAreNotShown(t *testing.T) {
	r := registry(t)
	call := Call{Caller: "c", Key: "k", Op: "o", Hidden: true}
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := r.Do(t.Context(), call, func(ctx context.Context) (any, error) {
			close(began)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		ended <- err
	}()
	<-began
	if list, err := r.List(t.Context()); len(list) != 0 || err != nil {
		t.Error(list, err)
	}
	if err := r.CancelCall(t.Context(), "other", "k"); !errors.Is(err, fusion.ErrNotFound) {
		t.Error("another caller's:", err)
	}
	if err := r.CancelCall(t.Context(), "c", "k"); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestThereIsABound(t *testing.T) {
	r := registry(t)
	ctx, leave := context.WithCancel(t.Context())
	leave() // these callers do not wait
	for i := range maxRunning {
		_, err := r.Do(ctx, Call{Op: "o", Name: fmt.Sprint(i)}, func(ctx context.Context) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	_, err := r.Do(t.Context(), Call{Op: "o"}, func(context.Context) (any, error) { return nil, nil })
	if !errors.Is(err, fusion.ErrBusy) || fusion.Hint(err) == "" {
		t.Error(err)
	}
}

func TestWhatEndedIsForgotten(t *testing.T) {
	r := registry(t)
	if _, err := r.Do(t.Context(), Call{Op: "o"}, func(context.Context) (any, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	events := watch(t, r)
	next(t, events)
	r.mu.Lock()
	r.sweep(time.Now().Add(lingers))
	r.mu.Unlock()
	if e := next(t, events); !e.removed {
		t.Errorf("%+v", e)
	}
	if list, err := r.List(t.Context()); len(list) != 0 || err != nil {
		t.Error(list, err)
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	r := New()
	ended := make(chan error, 1)
	began := make(chan struct{})
	go func() {
		_, err := r.Do(t.Context(), Call{Op: "o"}, func(ctx context.Context) (any, error) {
			close(began)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		ended <- err
	}()
	<-began
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := r.Do(t.Context(), Call{Op: "o"}, func(context.Context) (any, error) { return nil, nil }); !errors.Is(err, fusion.ErrOffline) {
		t.Error(err)
	}
}

// TestWhyAnOperationEnds: whoever does the work can tell a person who cancels from a
// node that closes.
func TestWhyAnOperationEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end      func(r *Registry, id string) error
		canceled bool
	}{
		"canceled": {func(r *Registry, id string) error { return r.Cancel(t.Context(), id) }, true},
		"closed":   {func(r *Registry, _ string) error { return r.Close() }, false},
	} {
		r := New()
		began, cause := make(chan struct{}), make(chan error, 1)
		ended := make(chan error, 1)
		go func() {
			_, err := r.Do(t.Context(), Call{Op: "x", Name: "y"}, func(ctx context.Context) (any, error) {
				close(began)
				<-ctx.Done()
				cause <- context.Cause(ctx)
				return nil, ctx.Err()
			})
			ended <- err
		}()
		<-began
		list, err := r.List(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %v, %v", name, list, err)
		}
		if err := c.end(r, list[0].ID); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if why := <-cause; errors.Is(why, context.Canceled) != c.canceled {
			t.Errorf("%s: the cause is %v", name, why)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: it ended with %v", name, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
