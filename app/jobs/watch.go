package jobs

import (
	"context"
	"time"

	"hither/fusion"
)

// watcher is one Watch call; its queue is bounded, and one that does not keep up
// is cut off.
type watcher struct {
	events chan event // closed, under the Registry's mu, when it is too slow
}

type event struct {
	job     fusion.Job
	removed bool
}

// maxEvents wait for a slow watcher.
const maxEvents = 1024

// tell passes an operation to the watchers. mu is held.
func (r *Registry) tell(j *job, removed bool) {
	if j.call.Hidden {
		return
	}
	j.told = time.Now()
	for w := range r.watchers {
		select {
		case w.events <- event{j.shown, removed}:
		default:
			delete(r.watchers, w)
			close(w.events)
		}
	}
}

// List gives the operations that run or ended just now.
func (r *Registry) List(ctx context.Context) ([]fusion.Job, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list(), nil
}

// list is List with mu held; it is never nil.
func (r *Registry) list() []fusion.Job {
	jobs := []fusion.Job{}
	for _, j := range r.all {
		if !j.call.Hidden {
			jobs = append(jobs, j.shown)
		}
	}
	return jobs
}

// Watch calls changed with what is now and with each change, until ctx ends.
func (r *Registry) Watch(ctx context.Context, changed func(fusion.Job, bool)) error {
	w := &watcher{events: make(chan event, maxEvents)}
	r.mu.Lock()
	now := r.list()
	r.watchers[w] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, w)
	}()
	for _, j := range now {
		changed(j, false)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-w.events:
			if !ok {
				return &fusion.Error{Op: "jobs.watch", Cause: fusion.ErrBusy, Detail: "the watcher is too slow"}
			}
			changed(e.job, e.removed)
		}
	}
}

// Cancel ends an operation and waits until it has cleaned up.
func (r *Registry) Cancel(ctx context.Context, id string) error {
	return r.stop(ctx, id, func(j *job) bool { return !j.call.Hidden && j.shown.ID == id })
}

// CancelCall is Cancel of the operation that a caller's key names.
func (r *Registry) CancelCall(ctx context.Context, caller, key string) error {
	return r.stop(ctx, "", func(j *job) bool { return key != "" && j.call.Caller == caller && j.call.Key == key })
}

func (r *Registry) stop(ctx context.Context, id string, is func(*job) bool) error {
	j := r.find(is)
	if j == nil {
		return &fusion.Error{Op: "job.cancel", Path: id, Cause: fusion.ErrNotFound, Hint: "hither job ls lists what is in work"}
	}
	j.cancel()
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Registry) find(is func(*job) bool) *job {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.all {
		if is(j) {
			return j
		}
	}
	return nil
}
