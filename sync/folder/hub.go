package folder

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

const (
	// pause between two looks at the folders, however much happens.
	pause = 250 * time.Millisecond
	// retryAfter a folder was in error, it is tried again.
	retryAfter = 30 * time.Second
)

// hub tells the watchers what changed. It looks at the folders when it was
// touched, at most four times a second, and tells only what differs.
type hub struct {
	look  func() []fusion.Folder
	retry func([]fusion.Folder) // gets the folders in error now and then
	poke  chan struct{}         // capacity 1

	mu       sync.Mutex // guards the fields below
	last     map[string]fusion.Folder
	watchers map[*watcher]struct{}
}

// watcher holds at most one untold change per folder: the newest.
type watcher struct {
	untold map[string]change // guarded by hub.mu
	poke   chan struct{}     // capacity 1
}

type change struct {
	folder  fusion.Folder
	removed bool
}

func newHub(look func() []fusion.Folder, retry func([]fusion.Folder)) *hub {
	return &hub{look: look, retry: retry, poke: make(chan struct{}, 1),
		last: map[string]fusion.Folder{}, watchers: map[*watcher]struct{}{}}
}

// touch says that something may have changed. It never blocks.
func (h *hub) touch() { poke(h.poke) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run looks until ctx ends.
func (h *hub) run(ctx context.Context) {
	retry := time.NewTimer(retryAfter)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.poke:
		case <-retry.C:
			h.retry(h.inError())
		}
		h.compare(h.look())
		retry.Stop()
		if len(h.inError()) > 0 {
			retry.Reset(retryAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (h *hub) compare(now []fusion.Folder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	gone := maps.Clone(h.last)
	for _, f := range now {
		delete(gone, f.Name)
		if old, known := h.last[f.Name]; !known || !reflect.DeepEqual(old, f) {
			h.last[f.Name] = f
			h.tell(change{folder: f})
		}
	}
	for name := range gone {
		delete(h.last, name)
		h.tell(change{folder: fusion.Folder{Name: name}, removed: true})
	}
}

func (h *hub) tell(c change) {
	for w := range h.watchers {
		w.untold[c.folder.Name] = c
		poke(w.poke)
	}
}

// known gives a folder as it was last seen.
func (h *hub) known(name string) (fusion.Folder, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.last[name]
	return f, ok
}

func (h *hub) inError() []fusion.Folder {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []fusion.Folder
	for _, f := range h.last {
		if f.State == stateError {
			list = append(list, f)
		}
	}
	return list
}

// watch tells one watcher what is there, then what changes, until ctx or store ends.
func (h *hub) watch(ctx, store context.Context, changed func(fusion.Folder, bool)) error {
	w := &watcher{untold: map[string]change{}, poke: make(chan struct{}, 1)}
	h.mu.Lock()
	for name, f := range h.last {
		w.untold[name] = change{folder: f}
	}
	h.watchers[w] = struct{}{}
	h.mu.Unlock()
	poke(w.poke)
	defer func() {
		h.mu.Lock()
		delete(h.watchers, w)
		h.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-store.Done():
			return errClosed
		case <-w.poke:
		}
		h.mu.Lock()
		untold := w.untold
		w.untold = map[string]change{}
		h.mu.Unlock()
		for _, name := range slices.Sorted(maps.Keys(untold)) {
			changed(untold[name].folder, untold[name].removed)
		}
	}
}

// retryFailed has the folders in error looked at again: a disk may be back.
func (s *Store) retryFailed(list []fusion.Folder) {
	e := s.engine.Load()
	if e == nil {
		return
	}
	for _, shown := range list {
		f := s.ledger.Load().byName(shown.Name)
		if f == nil {
			continue
		}
		e.rescan(f.ID)
	}
}
