// Package jobs keeps the long operations of a node. Each belongs to the node, not
// to the call that asked for it: a caller that goes away (a broken path, a page
// that is closed) does not end it, and one that asks again with the same
// idempotency key has the same result, also after it ended. What is left of an
// operation when the node itself is killed is the affair of whoever does the work.
//
// A Registry holds at most maxRunning operations, and remembers those that ended
// for lingers.
package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

const (
	// maxRunning bounds the operations at a time, over all callers.
	maxRunning = 64
	// maxEnded bounds those that ended and are remembered; the oldest go first.
	maxEnded = 1024
	// lingers is how long one that ended is remembered.
	lingers = 5 * time.Minute
	// calm is the least time between two reports of one operation to watchers.
	calm = 100 * time.Millisecond
)

// Call says what is asked for.
type Call struct {
	// Caller and Key name the operation: of several calls with the same, one does
	// the work. Without a key each call is one of its own.
	Caller, Key string
	// Print tells calls apart that wrongly share a key: equal when they ask for
	// the same.
	Print string
	// Op, Name and Made are the Job's.
	Op, Name, Made string
	// Hidden operations are done by another host, which lists them.
	Hidden bool
}

// Registry is the long operations of one node. Close it when done.
type Registry struct {
	ctx     context.Context // the operations'; ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	all      []*job     // oldest first
	watchers map[*watcher]bool
}

var _ fusion.Jobs = (*Registry)(nil)

// job is one operation. The Registry's mu guards shown, pace, told and ended.
type job struct {
	call   Call
	shown  fusion.Job
	pace   pace
	told   time.Time // when watchers last heard of it
	cancel context.CancelFunc
	done   chan struct{} // closed when result and err are set
	result any
	err    error
}

// New makes an empty registry.
func New() *Registry {
	r := &Registry{watchers: map[*watcher]bool{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// errClosing is the cause (context.Cause) of an operation's end when nobody canceled
// it: what it has done so far may be of use to the next node.
var errClosing = &fusion.Error{Op: "node", Cause: fusion.ErrOffline, Detail: "the node is closing"}

// Close ends all operations and waits until they have cleaned up.
func (r *Registry) Close() error {
	r.cancel()
	r.running.Wait()
	return nil
}

// Do runs work as an operation of the node and waits for it, or joins the one
// that call's key names. work's context has ctx's values; it ends by Cancel or
// Close, not with ctx. It promises ErrInvalid for a key that is another
// operation's and ErrBusy when too much is in work.
func (r *Registry) Do(ctx context.Context, call Call, work func(context.Context) (any, error)) (any, error) {
	j, err := r.begin(ctx, call, work)
	if err != nil {
		return nil, err
	}
	select {
	case <-j.done:
		return j.result, j.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin finds call's operation, or starts it.
func (r *Registry) begin(ctx context.Context, call Call, work func(context.Context) (any, error)) (*job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(time.Now())
	if j := r.byKey(call.Caller, call.Key); j != nil {
		if j.call.Print != call.Print {
			return nil, &fusion.Error{Op: call.Op, Path: call.Name, Cause: fusion.ErrInvalid,
				Detail: "its idempotency key is another call's", Hint: "use a new key for each thing that is to be made"}
		}
		return j, nil
	}
	if err := r.room(call); err != nil {
		return nil, err
	}
	inner, stopWith := context.WithCancelCause(context.WithoutCancel(ctx))
	cancel := func() { stopWith(context.Canceled) }
	j := &job{call: call, cancel: cancel, done: make(chan struct{}),
		shown: fusion.Job{ID: rand.Text(), Op: call.Op, Name: call.Name, Made: call.Made, Started: time.Now()}}
	r.all = append(r.all, j)
	r.tell(j, false)
	stop := context.AfterFunc(r.ctx, func() { stopWith(errClosing) })
	r.running.Go(func() {
		defer stop()
		defer cancel()
		result, err := work(fusion.WithReporter(inner, func(p fusion.Progress) { r.report(j, p) }))
		r.end(j, result, err)
	})
	return j, nil
}

// room says whether one more may run. mu is held.
func (r *Registry) room(call Call) error {
	running := 0
	for _, j := range r.all {
		if j.shown.Ended.IsZero() {
			running++
		}
	}
	switch {
	case r.ctx.Err() != nil:
		return &fusion.Error{Op: call.Op, Path: call.Name, Cause: fusion.ErrOffline, Detail: "the node is closing"}
	case running >= maxRunning:
		return &fusion.Error{Op: call.Op, Path: call.Name, Cause: fusion.ErrBusy, Detail: "too much is in work",
			Hint: "wait for some of it to end; hither job ls lists it"}
	}
	return nil
}

func (r *Registry) byKey(caller, key string) *job {
	if key == "" {
		return nil
	}
	i := slices.IndexFunc(r.all, func(j *job) bool { return j.call.Caller == caller && j.call.Key == key })
	if i < 0 {
		return nil
	}
	return r.all[i]
}

// report notes how far an operation is; watchers hear of it now and then.
func (r *Registry) report(j *job, p fusion.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !j.shown.Ended.IsZero() {
		return
	}
	now, step := time.Now(), p.Step != j.shown.Step
	j.shown.Progress = j.pace.with(now, p)
	if step || now.Sub(j.told) >= calm {
		r.tell(j, false)
	}
}

// end notes how an operation ended. One that failed is forgotten by its key at
// once: the next call with it tries again.
func (r *Registry) end(j *job, result any, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j.result, j.err = result, err
	j.shown.Ended = time.Now()
	if err != nil {
		j.call.Key = ""
		j.shown.Error = err.Error()
		if errors.Is(err, context.Canceled) {
			j.shown.Error = "canceled"
		}
	}
	close(j.done)
	r.tell(j, false)
	time.AfterFunc(lingers, r.sweepNow)
}

func (r *Registry) sweepNow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(time.Now())
}

// sweep forgets what ended long ago, and the oldest of what is too much. mu is held.
func (r *Registry) sweep(now time.Time) {
	ended := 0
	for _, j := range r.all {
		if !j.shown.Ended.IsZero() {
			ended++
		}
	}
	r.all = slices.DeleteFunc(r.all, func(j *job) bool {
		if j.shown.Ended.IsZero() || now.Sub(j.shown.Ended) < lingers && ended <= maxEnded {
			return false
		}
		ended--
		r.tell(j, true)
		return true
	})
}
