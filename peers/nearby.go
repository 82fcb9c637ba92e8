package peers

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

// Nearby is a computer that mDNS has shown of late. None of it is proved.
type Nearby struct {
	ID     fusion.HostID
	Name   string
	Addrs  []string
	Number string // of its open pairing code, "" when none is open
}

// nearbyFor is how long a computer counts as near after it was heard.
const nearbyFor = 45 * time.Second

// maxNearby bounds the table: what more there is, is not shown.
const maxNearby = 256

// nearby is the table of what mDNS says. Its zero value works.
type nearby struct {
	mu      sync.Mutex
	heard   map[fusion.HostID]sighting
	numbers map[fusion.HostID]sighting
	changed chan struct{}
}

type sighting struct {
	Nearby
	at time.Time
}

// note keeps one announcement; false: the table is full.
func (t *nearby) note(s Nearby, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard == nil {
		t.heard, t.numbers = map[fusion.HostID]sighting{}, map[fusion.HostID]sighting{}
	}
	table := t.heard
	if s.Number != "" {
		table = t.numbers
	}
	for id, old := range table {
		if now.Sub(old.at) > nearbyFor {
			delete(table, id)
		}
	}
	if _, known := table[s.ID]; !known && len(table) >= maxNearby {
		return false
	}
	table[s.ID] = sighting{s, now}
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
	return true
}

// now lists who was heard within nearbyFor, and a channel that is closed when
// the next announcement comes.
func (t *nearby) now(now time.Time) ([]Nearby, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := map[fusion.HostID]Nearby{}
	for id, s := range t.heard {
		if now.Sub(s.at) <= nearbyFor {
			all[id] = s.Nearby
		}
	}
	for id, s := range t.numbers {
		if now.Sub(s.at) > nearbyFor {
			continue
		}
		one := s.Nearby
		one.Addrs = mergeAddrs(one.Addrs, all[id].Addrs)
		all[id] = one
	}
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	var list []Nearby
	for _, one := range all {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Nearby) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return list, t.changed
}

// addrs gives the rumoured addresses of one computer.
func (t *nearby) addrs(id fusion.HostID) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return mergeAddrs(t.heard[id].Addrs, t.numbers[id].Addrs)
}

// offers says whether somebody near shows a number.
func (t *nearby) offers(number string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.numbers {
		if s.Number == number {
			return true
		}
	}
	return false
}

// Nearby lists the computers with a node that mDNS sees, paired or not.
func (n *Network) Nearby() []Nearby {
	list, _ := n.nearby.now(n.cfg.tune.now())
	return list
}

// findTime is how long a number is looked for.
const findTime = 12 * time.Second

// findOffer waits for the computer that shows a number. When several do, a
// person must say which: each try tells one of them a guess.
func (n *Network) findOffer(ctx context.Context, number string) (*peer.AddrInfo, error) {
	if n.cfg.NoMDNS {
		return nil, &fusion.Error{Op: "host.pair", Path: number, Cause: fusion.ErrNotFound, Detail: "discovery is off",
			Hint: "give the address that the other computer shows: --addr"}
	}
	wait, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	for {
		list, changed := n.nearby.now(n.cfg.tune.now())
		list = slices.DeleteFunc(list, func(one Nearby) bool { return one.Number != number })
		switch len(list) {
		case 0:
		case 1:
			if id, err := peerID(list[0].ID); err == nil {
				return &peer.AddrInfo{ID: id, Addrs: multiaddrs(list[0].Addrs)}, nil
			}
		default:
			return nil, &fusion.Error{Op: "host.pair", Path: number, Cause: fusion.ErrBusy, Detail: "several computers show this number",
				Hint: "give the address that the right computer shows: --addr"}
		}
		select {
		case <-changed:
		case <-wait.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, &fusion.Error{Op: "host.pair", Path: number, Cause: fusion.ErrNotFound, Detail: "no computer on this network shows the number",
				Hint: "give the address that the other computer shows: --addr"}
		case <-n.ctx.Done():
			return nil, errClosed("host.pair")
		}
	}
}
