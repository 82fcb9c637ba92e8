package peers

import (
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

const (
	// maxGrants bounds what one key may be granted, and maxPairGrants what a pairing says of
	// it: its messages have at most maxFrame bytes.
	maxGrants     = 256
	maxPairGrants = 32
)

// checkGrants refuses words that nobody knows, and too many, and drops doubles.
func checkGrants(grants []fusion.Grant) ([]fusion.Grant, error) {
	kept := []fusion.Grant{}
	for _, g := range grants {
		g, err := fusion.ParseGrant(g.String())
		if err != nil {
			return nil, err
		}
		if !slices.Contains(kept, g) {
			kept = append(kept, g)
		}
	}
	if len(kept) > maxGrants {
		return nil, errTooMany(maxGrants)
	}
	return kept, nil
}

func errTooMany(most int) error {
	return &fusion.Error{Op: "host.grant", Cause: fusion.ErrInvalid, Detail: fmt.Sprintf("more than %d grants", most),
		Hint: "grant a capability as a whole instead"}
}

// checkEnds refuses a grant that is over already.
func (n *Network) checkEnds(grants []fusion.Grant) error {
	for _, g := range grants {
		if g.Ended(n.cfg.tune.now()) {
			return &fusion.Error{Op: "host.grant", Path: g.String(), Cause: fusion.ErrInvalid, Detail: "that time is over",
				Hint: "name a time to come; look at this computer's clock with: date"}
		}
	}
	return nil
}

// inForce gives a record's grants that have not ended.
func (r record) inForce(now time.Time) []fusion.Grant {
	list := []fusion.Grant{}
	for _, g := range r.Grants {
		if !g.Ended(now) {
			list = append(list, g)
		}
	}
	return list
}

// clockLook is how often the clock is looked at while a grant is to end: it is the
// computer's own, which can be set and which goes on while the computer sleeps, as a
// timer's does not.
const clockLook = time.Second

// endGrants drops grants when they end, and tells the watchers, until the network closes.
func (n *Network) endGrants() {
	told := map[string]bool{} // of those that the disk would not let go
	for {
		next := n.dropEnded(told)
		var look <-chan time.Time
		if !next.IsZero() {
			look = time.After(min(max(next.Sub(n.cfg.tune.now()), time.Millisecond), clockLook))
		}
		select {
		case <-look:
		case <-n.store.changed:
		case <-n.ctx.Done():
			return
		}
	}
}

// dropEnded drops the grants that have ended, so that a clock which is set back revives
// none, and gives when the next one ends.
func (n *Network) dropEnded(told map[string]bool) (next time.Time) {
	now := n.cfg.tune.now()
	var over []peer.ID
	for id, r := range n.store.all() {
		news := false
		for _, g := range r.Grants {
			key := id.String() + " " + g.String()
			switch {
			case g.Ended(now):
				news = news || !told[key]
				told[key] = true
			case !g.Until.IsZero() && (next.IsZero() || g.Until.Before(next)):
				next = g.Until
			}
		}
		if news {
			over = append(over, id)
		}
	}
	if len(over) == 0 {
		return next
	}
	err := n.store.update(func(records map[peer.ID]record) error {
		for _, id := range over {
			if r, ok := records[id]; ok {
				r.Grants = r.inForce(now)
				records[id] = r
			}
		}
		return nil
	})
	if err != nil { // they hold no more all the same, unless the clock is set back
		n.cfg.Log.Warn("grants that ended stay in the file", "err", err)
	} else {
		clear(told)
	}
	for _, id := range over {
		r, _ := n.store.get(id)
		n.cfg.Log.Info("grants ended", "host", r.Name, "left", r.inForce(now))
		n.notify(id)
	}
	return next
}
