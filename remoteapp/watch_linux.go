package remoteapp

import (
	"context"
	"sync"

	"hither/fusion"
)

// watchers hands changes of screens to whoever watches. Each holds the newest
// value of every screen that it was not told yet, so a slow one loses steps and
// never the end.
type watchers struct {
	mu  sync.Mutex
	all map[*watcher]bool // guarded by mu
}

type watcher struct {
	wake    chan struct{} // of one
	order   []string      // guarded by watchers.mu
	pending map[string]change
}

type change struct {
	screen  fusion.Screen
	removed bool
}

// tell is called after the screen has changed or its app was forgotten.
func (w *watchers) tell(screen fusion.Screen, removed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		one.put(change{screen, removed})
	}
}

func (w *watcher) put(c change) {
	if _, there := w.pending[c.screen.Name]; !there {
		w.order = append(w.order, c.screen.Name)
	}
	w.pending[c.screen.Name] = c
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// begin gives a watcher that is to be told what present gives. Nothing is told
// meanwhile, so what is told later is newer.
func (w *watchers) begin(present func() []fusion.Screen) *watcher {
	one := &watcher{wake: make(chan struct{}, 1), pending: map[string]change{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, screen := range present() {
		one.put(change{screen: screen})
	}
	if w.all == nil {
		w.all = map[*watcher]bool{}
	}
	w.all[one] = true
	return one
}

func (w *watchers) end(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, one)
}

func (w *watchers) take(one *watcher) []change {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []change
	for _, name := range one.order {
		all = append(all, one.pending[name])
	}
	one.order = nil
	clear(one.pending)
	return all
}

func (w *watchers) watch(ctx context.Context, present func() []fusion.Screen, changed func(fusion.Screen, bool)) error {
	one := w.begin(present)
	defer w.end(one)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-one.wake:
			for _, c := range w.take(one) {
				changed(c.screen, c.removed)
			}
		}
	}
}
