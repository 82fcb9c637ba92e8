package app

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"hither/fusion"
)

// table is what this node knows of every host now. The watchers of node.go
// put facts in; every Watch call reads from it, so that a list never races
// with a subscription. What a host had stays when the host goes offline.
type table struct {
	// mu guards the fields below.
	mu    sync.Mutex
	hosts map[fusion.HostID]*known
	subs  map[*subscriber]bool
}

// known is one host's part of the table.
type known struct {
	info     fusion.HostInfo
	machines map[string]fusion.Machine
	screens  map[string]fusion.Screen
	folders  map[string]fusion.Folder
	jobs     map[string]fusion.Job
	// sessions and requests are of this computer alone.
	sessions map[string]fusion.Session
	requests map[string]fusion.AccessRequest
}

// subscriber is one Watch call. Its queue is bounded; a watcher that does not
// keep up is cut off (tooSlow) and lists again.
type subscriber struct {
	only    fusion.HostID // "" for all
	events  chan fusion.Event
	tooSlow bool // guarded by table.mu; events is closed then
}

// subscriberQueue is how many events a watcher may be behind.
const subscriberQueue = 4096

func newTable() *table {
	return &table{hosts: map[fusion.HostID]*known{}, subs: map[*subscriber]bool{}}
}

// setHost puts in what is known of a host itself.
func (t *table) setHost(info fusion.HostInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.hosts[info.ID]
	if k == nil {
		k = &known{machines: map[string]fusion.Machine{}, screens: map[string]fusion.Screen{}, folders: map[string]fusion.Folder{}, jobs: map[string]fusion.Job{},
			sessions: map[string]fusion.Session{}, requests: map[string]fusion.AccessRequest{}}
		t.hosts[info.ID] = k
	}
	// What a machine is called and offered depends on its host.
	renamed := k.info.Name != "" && (k.info.Name != info.Name || !slices.Equal(k.info.May, info.May))
	k.info = info
	t.send(info.ID, fusion.Event{Kind: fusion.EventHost, Host: &info})
	if renamed {
		for _, event := range k.events()[1:] {
			t.send(info.ID, event)
		}
	}
}

// removeHost forgets a host and all it had.
func (t *table) removeHost(id fusion.HostID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := t.hosts[id]; k != nil {
		delete(t.hosts, id)
		t.send(id, fusion.Event{Kind: fusion.EventHost, Removed: true, Host: &k.info})
	}
}

// host gives what is known of a host itself.
func (t *table) host(id fusion.HostID) (fusion.HostInfo, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.hosts[id]
	if k == nil {
		return fusion.HostInfo{}, false
	}
	return k.info, true
}

// hasMachine says whether a host has, or last had, a machine of a name.
func (t *table) hasMachine(id fusion.HostID, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.hosts[id]
	if k == nil {
		return false
	}
	_, there := k.machines[name]
	return there
}

// machineName gives what a host's machine with a UUID is called.
func (t *table) machineName(id fusion.HostID, uuid string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := t.hosts[id]; k != nil {
		for _, m := range k.machines {
			if m.UUID == uuid && uuid != "" {
				return m.Name, true
			}
		}
	}
	return "", false
}

// maxThings is how many machines, screens, folders and jobs one host may have; more
// is a host that means harm.
const maxThings = 10_000

// put takes one fact about a host's machine, screen or folder, and says whether
// there is room for it. A fact about an unknown host is dropped.
func (t *table) put(id fusion.HostID, e fusion.Event) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.hosts[id]
	if k == nil {
		return true
	}
	if !e.Removed && len(k.machines)+len(k.screens)+len(k.folders)+len(k.jobs) > maxThings {
		return false
	}
	if k.apply(e) {
		t.send(id, k.named(e))
	}
	return true
}

// keep removes what a host no longer has: everything that is not in seen,
// which holds the keys of a fresh list.
func (t *table) keep(id fusion.HostID, seen map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.hosts[id]
	if k == nil {
		return
	}
	for _, e := range k.events()[1:] {
		if !seen[eventKey(e)] {
			e.Removed = true
			k.apply(e)
			t.send(id, e)
		}
	}
}

// eventKey names the thing that an event is about, within its host.
func eventKey(e fusion.Event) string {
	switch {
	case e.Kind == fusion.EventMachine && e.Machine != nil:
		return "machine " + e.Machine.Name
	case e.Kind == fusion.EventScreen && e.Screen != nil:
		return "screen " + e.Screen.Name
	case e.Kind == fusion.EventFolder && e.Folder != nil:
		return "folder " + e.Folder.Name
	case e.Kind == fusion.EventJob && e.Job != nil:
		return "job " + e.Job.ID
	case e.Kind == fusion.EventSession && e.Session != nil:
		return "session " + e.Session.ID
	case e.Kind == fusion.EventRequest && e.Request != nil:
		return "request " + e.Request.ID
	}
	return ""
}

// apply changes the host's part and says whether the event was of a kind that
// the table keeps.
func (k *known) apply(e fusion.Event) bool {
	switch {
	case e.Kind == fusion.EventMachine && e.Machine != nil:
		set(k.machines, e.Machine.Name, *e.Machine, e.Removed)
	case e.Kind == fusion.EventScreen && e.Screen != nil:
		set(k.screens, e.Screen.Name, *e.Screen, e.Removed)
	case e.Kind == fusion.EventFolder && e.Folder != nil:
		set(k.folders, e.Folder.Name, *e.Folder, e.Removed)
	case e.Kind == fusion.EventJob && e.Job != nil:
		set(k.jobs, e.Job.ID, *e.Job, e.Removed)
	case e.Kind == fusion.EventSession && e.Session != nil:
		set(k.sessions, e.Session.ID, *e.Session, e.Removed)
	case e.Kind == fusion.EventRequest && e.Request != nil:
		set(k.requests, e.Request.ID, *e.Request, e.Removed)
	default:
		return false
	}
	return true
}

func set[T any](m map[string]T, name string, value T, removed bool) {
	if removed {
		delete(m, name)
		return
	}
	m[name] = value
}

// named fills in whose thing it is, by this node's name for the host.
func (k *known) named(e fusion.Event) fusion.Event {
	name := k.info.Name
	if e.Machine != nil {
		m := e.Machine.Offered(k.info)
		m.Host, m.Address = name, name+"/"+m.Name
		e.Machine = &m
	}
	if e.Screen != nil {
		s := *e.Screen
		s.Host, s.Address = name, name+"/"+s.Name
		e.Screen = &s
	}
	if e.Job != nil {
		j := *e.Job
		j.Host = name
		e.Job = &j
	}
	if e.Folder != nil {
		info := k.info
		e.Host = &info
	}
	return e
}

// events gives the present state of a host: itself first.
func (k *known) events() []fusion.Event {
	info := k.info
	out := []fusion.Event{{Kind: fusion.EventHost, Host: &info}}
	for _, name := range sorted(k.machines) {
		m := k.machines[name]
		out = append(out, k.named(fusion.Event{Kind: fusion.EventMachine, Machine: &m}))
	}
	for _, name := range sorted(k.screens) {
		s := k.screens[name]
		out = append(out, k.named(fusion.Event{Kind: fusion.EventScreen, Screen: &s}))
	}
	for _, name := range sorted(k.folders) {
		f := k.folders[name]
		out = append(out, k.named(fusion.Event{Kind: fusion.EventFolder, Folder: &f}))
	}
	for _, id := range sorted(k.jobs) {
		j := k.jobs[id]
		out = append(out, k.named(fusion.Event{Kind: fusion.EventJob, Job: &j}))
	}
	for _, id := range sorted(k.sessions) {
		s := k.sessions[id]
		out = append(out, fusion.Event{Kind: fusion.EventSession, Session: &s})
	}
	for _, id := range sorted(k.requests) {
		r := k.requests[id]
		out = append(out, fusion.Event{Kind: fusion.EventRequest, Request: &r})
	}
	return out
}

func sorted[T any](m map[string]T) []string {
	return slices.Sorted(maps.Keys(m))
}

// send passes an event to the watchers of its host; mu is held.
func (t *table) send(id fusion.HostID, e fusion.Event) {
	for sub := range t.subs {
		if sub.only != "" && sub.only != id {
			continue
		}
		select {
		case sub.events <- e:
		default:
			sub.tooSlow = true
			close(sub.events)
			delete(t.subs, sub)
		}
	}
}

// subscribe gives the present state and the changes after it.
func (t *table) subscribe(only fusion.HostID) ([]fusion.Event, *subscriber) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := slices.SortedFunc(maps.Keys(t.hosts), func(a, b fusion.HostID) int {
		return strings.Compare(t.hosts[a].order(), t.hosts[b].order())
	})
	var now []fusion.Event
	for _, id := range ids {
		if only == "" || only == id {
			now = append(now, t.hosts[id].events()...)
		}
	}
	sub := &subscriber{only: only, events: make(chan fusion.Event, subscriberQueue)}
	t.subs[sub] = true
	return append(now, fusion.Event{Kind: fusion.EventReady}), sub
}

// order sorts this computer first, then by name.
func (k *known) order() string {
	if k.info.Local {
		return ""
	}
	return "+" + k.info.Name
}

func (t *table) unsubscribe(sub *subscriber) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subs, sub)
}

// watch is fusion.Host.Watch over one host, or over all for "".
func (t *table) watch(ctx context.Context, only fusion.HostID) iter.Seq2[fusion.Event, error] {
	return func(yield func(fusion.Event, error) bool) {
		now, sub := t.subscribe(only)
		defer t.unsubscribe(sub)
		var seq uint64
		for _, e := range now {
			if seq++; !number(e, seq, yield) {
				return
			}
		}
		for {
			select {
			case <-ctx.Done():
				yield(fusion.Event{}, ctx.Err())
				return
			case e, open := <-sub.events:
				if !open {
					yield(fusion.Event{}, &fusion.Error{Op: "watch", Cause: fusion.ErrBusy, Detail: "the watcher is too slow",
						Hint: "watch again"})
					return
				}
				if seq++; !number(e, seq, yield) {
					return
				}
			}
		}
	}
}

func number(e fusion.Event, seq uint64, yield func(fusion.Event, error) bool) bool {
	e.Seq = seq
	return yield(e, nil)
}
