// Package asks keeps what paired computers tried here and were not granted, so that the
// owner can grant it with one answer, or refuse it once for a day. It is in memory: the
// refusals themselves are in the audit log, and whoever still wants something after a
// restart tries again. A computer can have a few requests open and no more, so that none
// can bury the others' or fill the memory.
package asks

import (
	"cmp"
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

const (
	// perHost and inAll bound the requests that are open.
	perHost = 8
	inAll   = 64
	// quiet is how long what was refused is not asked again.
	quiet = 24 * time.Hour
	// pace is how often a request that is repeated is told again at most.
	pace = 5 * time.Second
	// kept bounds the refusals that are remembered of one computer.
	kept = 32
)

// Book has the requests of one node. Its methods may be called from many goroutines. The
// zero value is empty and ready.
type Book struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	mu      sync.Mutex // guards the fields below
	open    map[string]*fusion.AccessRequest
	refused map[fusion.HostID]map[string]time.Time // until when, by grant
	subs    map[chan struct{}]bool
}

func (b *Book) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}

// Add notes that a computer was not granted something. More than it may have open, and
// what was refused a short while ago, is left out.
func (b *Book) Add(host fusion.HostID, name, grant, what string) {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if until, was := b.refused[host][grant]; was && now.Before(until) {
		return
	}
	its := 0
	for _, r := range b.open {
		if r.Host != host {
			continue
		}
		if its++; r.Grant == grant {
			if r.Times++; now.Sub(r.Last) >= pace {
				r.Last, r.What = now, what
				b.tell()
			}
			return
		}
	}
	if its >= perHost || len(b.open) >= inAll {
		return
	}
	if b.open == nil {
		b.open = map[string]*fusion.AccessRequest{}
	}
	id := rand.Text()[:8]
	b.open[id] = &fusion.AccessRequest{ID: id, Host: host, Name: name, Grant: grant, What: what, Since: now, Last: now, Times: 1}
	b.tell()
}

// Get gives a request that is open. It promises ErrNotFound.
func (b *Book) Get(id string) (fusion.AccessRequest, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.open[id]; r != nil {
		return *r, nil
	}
	return fusion.AccessRequest{}, &fusion.Error{Op: "host.answer", Path: id, Cause: fusion.ErrNotFound, Detail: "it was answered already",
		Hint: "hither audit shows what was asked for"}
}

// Answered takes a request away; one that was refused is not asked again for a day.
func (b *Book) Answered(id string, granted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.open[id]
	if r == nil {
		return
	}
	if delete(b.open, id); !granted {
		b.refuse(*r)
	}
	b.tell()
}

// refuse remembers a refusal; of too many the one that ends first is forgotten. mu is held.
func (b *Book) refuse(r fusion.AccessRequest) {
	if b.refused == nil {
		b.refused = map[fusion.HostID]map[string]time.Time{}
	}
	of := b.refused[r.Host]
	if of == nil {
		of = map[string]time.Time{}
		b.refused[r.Host] = of
	}
	of[r.Grant] = b.now().Add(quiet)
	for len(of) > kept {
		first := slices.MinFunc(slices.Collect(maps.Keys(of)), func(a, b string) int { return of[a].Compare(of[b]) })
		delete(of, first)
	}
}

// GrantsChanged drops what a computer asks for and has now, and all of one that is
// forgotten.
func (b *Book) GrantsChanged(host fusion.HostID, grants []fusion.Grant, forgotten bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if forgotten {
		delete(b.refused, host)
	}
	for id, r := range b.open {
		if r.Host != host {
			continue
		}
		if g, err := fusion.ParseGrant(r.Grant); forgotten || err != nil || fusion.Allows(grants, g.Cap) {
			delete(b.open, id)
			b.tell()
		}
	}
}

// tell wakes the watchers. mu is held.
func (b *Book) tell() {
	for sub := range b.subs {
		select {
		case sub <- struct{}{}:
		default: // it is to look already
		}
	}
}

// list gives what is open, oldest first. mu is held.
func (b *Book) list() []fusion.AccessRequest {
	out := make([]fusion.AccessRequest, 0, len(b.open))
	for _, r := range b.open {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(x, y fusion.AccessRequest) int {
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// Watch calls changed with what is open and with each change, until ctx ends. Whoever is
// slow misses steps between, and never the last one.
func (b *Book) Watch(ctx context.Context, changed func(r fusion.AccessRequest, removed bool)) error {
	wake := make(chan struct{}, 1)
	b.mu.Lock()
	if b.subs == nil {
		b.subs = map[chan struct{}]bool{}
	}
	b.subs[wake] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, wake)
	}()
	told := map[string]fusion.AccessRequest{}
	for {
		b.mu.Lock()
		list := b.list()
		b.mu.Unlock()
		now := map[string]bool{}
		for _, r := range list {
			now[r.ID] = true
			if before, known := told[r.ID]; !known || !before.Last.Equal(r.Last) {
				told[r.ID] = r
				changed(r, false)
			}
		}
		for id, r := range told {
			if !now[id] {
				delete(told, id)
				changed(r, true)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		}
	}
}
