package app

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"hither/app/audit"
	"hither/fusion"
	"hither/peers"
)

// watchAll starts the watchers that keep the table: one for each subsystem of
// this computer, one for the list of paired computers, and one for each of
// them that is online. They end with n.ctx; Close waits for them.
func (n *Node) watchAll(ctx context.Context) error {
	computer, err := n.vms.Get(ctx, fusion.Self)
	if err != nil {
		return err
	}
	n.table.setHost(n.selfInfo(computer.OS))
	put := func(e fusion.Event) { n.table.put(n.network.ID(), e) }
	n.watch("machines", func() error {
		return n.vms.Watch(n.ctx, func(m fusion.Machine, removed bool) {
			put(fusion.Event{Kind: fusion.EventMachine, Machine: &m, Removed: removed})
			if removed || m.State == fusion.Off || m.State == fusion.Saved {
				n.screens.End(m.Name)
			}
		})
	})
	n.watch("apps", func() error {
		return n.apps.Watch(n.ctx, func(s fusion.Screen, removed bool) {
			put(fusion.Event{Kind: fusion.EventScreen, Screen: &s, Removed: removed})
			if removed {
				n.screens.End(s.Name)
			}
		})
	})
	n.watch("folders", func() error {
		return n.folders.Watch(n.ctx, func(f fusion.Folder, removed bool) {
			put(fusion.Event{Kind: fusion.EventFolder, Folder: &f, Removed: removed})
		})
	})
	n.watch("jobs", func() error {
		return n.jobs.Watch(n.ctx, func(j fusion.Job, removed bool) {
			put(fusion.Event{Kind: fusion.EventJob, Job: &j, Removed: removed})
		})
	})
	n.watch("what is open", func() error {
		return n.audit.WatchLive(n.ctx, func(l audit.Live, removed bool) {
			s := l.Session()
			put(fusion.Event{Kind: fusion.EventSession, Session: &s, Removed: removed})
		})
	})
	n.watch("requests", func() error {
		return n.asks.Watch(n.ctx, func(r fusion.AccessRequest, removed bool) {
			put(fusion.Event{Kind: fusion.EventRequest, Request: &r, Removed: removed})
		})
	})
	n.watch("pasted files", n.sweepPasted)
	n.watch("network cards", n.followCards)
	n.watch("the private network's members", n.followMembers)
	n.watchPeers()
	return nil
}

// sweepPasted removes pasted files that are old, now and once an hour.
func (n *Node) sweepPasted() error {
	for {
		if err := n.pasted.Sweep(); err != nil {
			n.log.Warn("old pasted files stay", "err", err)
		}
		if !n.pause(n.ctx, time.Hour) {
			return n.ctx.Err()
		}
	}
}

// watch runs a watcher that ends with the node only.
func (n *Node) watch(what string, watch func() error) {
	n.running.Go(func() {
		if err := watch(); n.ctx.Err() == nil {
			n.log.Error("a watch ended before the node", "of", what, "err", err)
		}
	})
}

// watchPeers follows the paired computers and watches each that is online.
func (n *Node) watchPeers() {
	w := &peerWatchers{n: n, cancel: map[fusion.HostID]context.CancelFunc{}, grants: map[fusion.HostID][]fusion.Grant{}}
	n.watch("hosts", func() error {
		defer w.end()
		return n.network.Watch(n.ctx, w.changed)
	})
}

// pause waits and says whether it was not interrupted.
func (n *Node) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// peerWatchers has a watcher for each online computer.
type peerWatchers struct {
	n *Node
	// mu guards cancel and grants.
	mu     sync.Mutex
	cancel map[fusion.HostID]context.CancelFunc
	// grants is what each may do here, as the audit log has it.
	grants  map[fusion.HostID][]fusion.Grant
	running sync.WaitGroup
}

func (w *peerWatchers) changed(p peers.Peer, removed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	cancel, watched := w.cancel[p.ID]
	if p.Online && !watched {
		w.n.heard.going(p.ID, "") // it is back
	}
	if removed {
		w.n.heard.forget(p.ID)
		w.n.table.removeHost(p.ID)
		w.n.folders.Unpaired(p.ID)
	} else {
		w.n.table.setHost(w.n.peerInfo(p))
		w.n.folders.SetOnline(p.ID, p.Online)
		if p.Online {
			w.n.vms.PeerBack()
			w.n.tunnels.PeerBack(p.ID)
		}
	}
	w.n.asks.GrantsChanged(p.ID, p.Grants, removed)
	if removed || !fusion.Allows(p.Grants, fusion.AdminCap) {
		w.n.vms.EndLoans(p.ID)
	}
	w.noteGrants(p, removed)
	w.n.api.GrantsChanged(p.ID)
	w.n.tunnels.GrantsChanged(p.ID)
	w.n.mesh.GrantsChanged(p.ID)
	switch {
	case watched && (removed || !p.Online):
		cancel()
		delete(w.cancel, p.ID)
	case !watched && p.Online && !removed:
		ctx, cancel := context.WithCancel(w.n.ctx)
		w.cancel[p.ID] = cancel
		w.running.Go(func() { w.n.watchPeer(ctx, p) })
	}
}

// noteGrants tells the audit log when what a computer may do here is another than before.
// mu is held.
func (w *peerWatchers) noteGrants(p peers.Peer, removed bool) {
	now := p.Grants
	if removed {
		now = nil
	}
	if before, known := w.grants[p.ID]; known && !slices.Equal(before, now) {
		w.n.noteGrants(p.Name, now)
	}
	if w.grants[p.ID] = now; removed {
		delete(w.grants, p.ID)
	}
}

func (w *peerWatchers) end() {
	w.mu.Lock()
	for _, cancel := range w.cancel {
		cancel()
	}
	w.mu.Unlock()
	w.running.Wait()
}

// watchPeer copies what an online computer has into the table, anew after each
// break, until ctx ends: the computer went offline or was forgotten.
func (n *Node) watchPeer(ctx context.Context, p peers.Peer) {
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		began := time.Now()
		err := n.copyEvents(ctx, p)
		if ctx.Err() != nil {
			return
		}
		n.log.Debug("watching a host ended", "host", p.Name, "err", err)
		if time.Since(began) > 10*time.Second {
			wait = 100 * time.Millisecond
		}
		if !n.pause(ctx, wait) {
			return
		}
	}
}

// copyEvents follows one watch stream of a host to its end.
func (n *Node) copyEvents(ctx context.Context, p peers.Peer) error {
	seen, ready := map[string]bool{}, false
	var seq uint64
	for e, err := range n.remote(p).Watch(ctx) {
		if err != nil {
			return err
		}
		if seq++; e.Seq != seq {
			return &fusion.Error{Op: "watch", Path: p.Name, Cause: fusion.ErrBusy, Detail: "events were lost"}
		}
		switch {
		case e.Kind == fusion.EventHost && e.Host != nil && !e.Removed:
			n.learn(p.ID, *e.Host)
		case e.Kind == fusion.EventReady:
			n.table.keep(p.ID, seen)
			ready = true
		default:
			if err := sound(e); err != nil {
				return err
			}
			if !ready {
				seen[eventKey(e)] = true
			}
			if !n.table.put(p.ID, e) {
				return &fusion.Error{Op: "watch", Path: p.Name, Cause: fusion.ErrInvalid, Detail: "it says that it has too many things"}
			}
		}
	}
	return nil
}

// learn takes what a host says of itself; what we know better stays ours.
func (n *Node) learn(id fusion.HostID, said fusion.HostInfo) {
	peer, err := n.network.Lookup(string(id))
	if err != nil {
		return // it was just forgotten
	}
	n.heard.learn(id, said)
	info := n.peerInfo(peer)
	info.OS, info.Version = said.OS, said.Version
	n.table.setHost(info)
}

// sound refuses what no node says: a name that could mean something else in a
// path, or an event about nothing.
func sound(e fusion.Event) error {
	switch {
	case e.Kind == fusion.EventSession || e.Kind == fusion.EventRequest: // of this computer alone
	case e.Machine != nil:
		return fusion.CheckName(e.Machine.Name)
	case e.Folder != nil:
		return fusion.CheckName(e.Folder.Name)
	case e.Job != nil:
		return fusion.CheckName(e.Job.ID)
	case e.Screen != nil:
		for _, part := range strings.Split(e.Screen.Name, "/") {
			if err := fusion.CheckName(part); err != nil {
				return err
			}
		}
		return nil
	}
	return &fusion.Error{Op: "watch", Path: string(e.Kind), Cause: fusion.ErrInvalid, Detail: "an event about nothing"}
}
