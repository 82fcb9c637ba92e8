package remoteapp

import (
	"context"
	"sync"

	"hither/fusion"
)

// watchers hands changes of screens to whoever watches. Each has a queue of 64;
// one that falls behind is cut off with ErrBusy.
type watchers struct {
	mu  sync.Mutex
	all map[chan change]bool // guarded by mu
}

type change struct {
	screen  fusion.Screen
	removed bool
}

func (w *watchers) tell(screen fusion.Screen, removed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for queue := range w.all {
		select {
		case queue <- change{screen, removed}:
		default:
			delete(w.all, queue)
			close(queue)
		}
	}
}

func (w *watchers) watch(ctx context.Context, changed func(fusion.Screen, bool)) error {
	queue := make(chan change, 64)
	w.mu.Lock()
	if w.all == nil {
		w.all = map[chan change]bool{}
	}
	w.all[queue] = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, queue)
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c, ok := <-queue:
			if !ok {
				return &fusion.Error{Op: "app.watch", Cause: fusion.ErrBusy, Detail: "the watcher is too slow"}
			}
			changed(c.screen, c.removed)
		}
	}
}
