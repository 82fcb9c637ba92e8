package vmctl

import (
	"context"
	"sync"

	"hither/fusion"
)

// watcher holds what one Watch has not yet been told: the newest value of each
// machine, so a slow one loses steps and never the end. It is bounded by the
// number of machines.
type watcher struct {
	wake chan struct{}

	mu      sync.Mutex // guards the fields below; taken after the Store's
	order   []string
	pending map[string]news
}

type news struct {
	machine fusion.Machine
	removed bool
}

// Watch calls changed with each machine there is, then with each that changed
// or went, until ctx ends.
func (s *Store) Watch(ctx context.Context, changed func(m fusion.Machine, removed bool)) error {
	w := s.subscribe()
	defer s.unsubscribe(w)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return errClosed
		case <-w.wake:
			for _, n := range w.take() {
				changed(n.machine, n.removed)
			}
		}
	}
}

// subscribe gives a watcher that is to be told what there is now.
func (s *Store) subscribe() *watcher {
	w := &watcher{wake: make(chan struct{}, 1), pending: map[string]news{}}
	w.put(s.self(s.ctx), false)
	s.mu.Lock()
	records := s.copyLocked()
	s.watchers[w] = true
	s.mu.Unlock()
	note := s.kvm.Note()
	for i := range records {
		w.putOlder(records[i].machine(note))
	}
	return w
}

func (s *Store) unsubscribe(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
}

func (s *Store) tellLocked(m fusion.Machine, removed bool) {
	for w := range s.watchers {
		w.put(m, removed)
	}
}

func (w *watcher) put(m fusion.Machine, removed bool) { w.add(news{m, removed}, true) }

// putOlder is put of what was true a moment ago: what came since stands.
func (w *watcher) putOlder(m fusion.Machine) { w.add(news{m, false}, false) }

func (w *watcher) add(n news, replace bool) {
	w.mu.Lock()
	_, there := w.pending[n.machine.Name]
	if !there {
		w.order = append(w.order, n.machine.Name)
	}
	if !there || replace {
		w.pending[n.machine.Name] = n
	}
	w.mu.Unlock()
	signal(w.wake)
}

func (w *watcher) take() []news {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []news
	for _, name := range w.order {
		all = append(all, w.pending[name])
	}
	w.order = nil
	clear(w.pending)
	return all
}
