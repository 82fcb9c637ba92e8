package peers

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

// watches tells watchers of changes. Its zero value works.
type watches struct {
	mu  sync.Mutex
	all map[*watch]bool
}

// watch is one watcher. Its queue holds the newest value per computer, so it is
// bounded by their number: a slow watcher sees fewer steps, never an old state.
type watch struct {
	queue map[fusion.HostID]change
	order []fusion.HostID
	wake  chan struct{} // of one
}

type change struct {
	peer    Peer
	removed bool
}

func (w *watches) send(p Peer, removed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		if _, queued := one.queue[p.ID]; !queued {
			one.order = append(one.order, p.ID)
		}
		one.queue[p.ID] = change{p, removed}
		select {
		case one.wake <- struct{}{}:
		default:
		}
	}
}

func (w *watches) take(one *watch) (change, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(one.order) == 0 {
		return change{}, false
	}
	id := one.order[0]
	one.order = one.order[1:]
	c := one.queue[id]
	delete(one.queue, id)
	return c, true
}

// notify tells watchers how a computer is now. Values are read in send order:
// the one sent last is the present one.
func (n *Network) notify(id peer.ID) {
	n.notifying.Lock()
	defer n.notifying.Unlock()
	if r, ok := n.store.get(id); ok {
		n.watches.send(n.peer(id, r), false)
	}
}

// Watch calls f with each paired computer there is, then on every change:
// paired, online, offline, renamed, granted, forgotten (removed). It calls f one
// at a time from this goroutine, and returns when ctx or the network ends.
func (n *Network) Watch(ctx context.Context, f func(p Peer, removed bool)) error {
	one := n.beginWatch()
	defer func() {
		n.watches.mu.Lock()
		delete(n.watches.all, one)
		n.watches.mu.Unlock()
	}()
	for {
		for c, ok := n.watches.take(one); ok; c, ok = n.watches.take(one) {
			f(c.peer, c.removed)
		}
		select {
		case <-one.wake:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ctx.Done():
			return errClosed("peers.watch")
		}
	}
}

// beginWatch gives a watch that is to be told what there is now. Nothing is
// notified meanwhile, so what is told later is newer.
func (n *Network) beginWatch() *watch {
	one := &watch{queue: map[fusion.HostID]change{}, wake: make(chan struct{}, 1)}
	n.notifying.Lock()
	defer n.notifying.Unlock()
	for _, p := range n.Peers() {
		one.order = append(one.order, p.ID)
		one.queue[p.ID] = change{peer: p}
	}
	n.watches.mu.Lock()
	defer n.watches.mu.Unlock()
	if n.watches.all == nil {
		n.watches.all = map[*watch]bool{}
	}
	n.watches.all[one] = true
	return one
}

func errClosed(op string) error {
	return &fusion.Error{Op: op, Cause: fusion.ErrOffline, Detail: "the node is stopping"}
}
