package peers

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

// Peer is a paired computer as it is now.
type Peer struct {
	ID    fusion.HostID
	Name  string   // unique on this computer
	Addrs []string // where it was last reached or says it listens; multiaddrs without /p2p
	// Grants is what it may do here now.
	Grants []fusion.Grant
	Online bool
	// Path is "direct" or "relay" (through the router Via) while online, else "".
	Path, Via string
	// RTT is how long a heartbeat's answer takes, smoothed.
	RTT time.Duration
	// Transport is "tcp" or "quic", of a relayed connection as far as the router;
	// Addr is the other end of the connection that new streams take.
	Transport, Addr string
	// WhyNot says why the path is not direct, "" when it is or nobody knows.
	WhyNot string
	// Refused is true when it says that it does not know this computer: it was
	// forgotten there, and only pairing anew helps.
	Refused bool
	// Own is true for a computer of the owner's list.
	Own         bool
	LastSeen    time.Time
	Color       int // index in the palette, 0 to 7; this computer is 0
	Fingerprint string
	Version     string // its release, "" until it was online once
}

// Peers lists the paired computers by name.
func (n *Network) Peers() []Peer {
	var list []Peer
	for id, r := range n.store.all() {
		list = append(list, n.peer(id, r))
	}
	slices.SortFunc(list, func(a, b Peer) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (n *Network) peer(id peer.ID, r record) Peer {
	p := Peer{
		ID: r.ID, Name: r.Name, Addrs: slices.Clone(r.Addrs), Grants: r.inForce(n.cfg.tune.now()),
		LastSeen: r.LastSeen, Own: r.Own, Color: r.Color, Fingerprint: Fingerprint(r.ID), Version: r.Version,
	}
	rest := func() {}
	n.mu.Lock()
	if l := n.links[id]; l != nil {
		rest = n.fill(&p, l)
		p.Online, p.Refused = l.online, l.refused
		if l.seen.After(p.LastSeen) {
			p.LastSeen = l.seen
		}
	}
	n.mu.Unlock()
	if p.Online {
		p.LastSeen = n.cfg.tune.now()
	}
	rest()
	return p
}

// Lookup finds a paired computer by ID or name; ErrNotFound names those there are.
func (n *Network) Lookup(nameOrID string) (Peer, error) {
	all := n.Peers()
	for _, p := range all {
		if string(p.ID) == nameOrID {
			return p, nil
		}
	}
	var names []string
	for _, p := range all {
		if p.Name == nameOrID {
			return p, nil
		}
		names = append(names, p.Name)
	}
	hint := "no computer is paired yet: hither pair"
	if len(names) > 0 {
		hint = "paired computers: " + strings.Join(names, ", ")
	}
	return Peer{}, &fusion.Error{Op: "host", Path: clip(nameOrID, 64), Cause: fusion.ErrNotFound, Hint: hint}
}

// find gives a paired computer by its ID, or ErrUnpaired.
func (n *Network) find(op string, id fusion.HostID) (peer.ID, record, error) {
	p, err := peerID(id)
	if err != nil {
		return "", record{}, err
	}
	r, ok := n.store.get(p)
	if !ok {
		return "", record{}, errUnpaired(op, id)
	}
	return p, r, nil
}

func errUnpaired(op string, id fusion.HostID) error {
	return &fusion.Error{Op: op, Path: string(id), Cause: fusion.ErrUnpaired, Hint: "pair the two computers first: hither pair"}
}

// Grants gives what a key may do on this computer now; false: it is not paired.
func (n *Network) Grants(id fusion.HostID) ([]fusion.Grant, bool) {
	p, err := peerID(id)
	if err != nil {
		return nil, false
	}
	r, ok := n.store.get(p)
	return r.inForce(n.cfg.tune.now()), ok
}

// SetGrants says anew what a paired computer may do here; none at all is allowed
// and leaves it paired. ErrInvalid: one of them has ended, or they are too many.
func (n *Network) SetGrants(ctx context.Context, id fusion.HostID, grants []fusion.Grant) error {
	p, old, err := n.find("host.grant", id)
	if err != nil {
		return err
	}
	grants, err = checkGrants(grants)
	if err == nil {
		err = n.checkEnds(grants)
	}
	if err != nil {
		return err
	}
	err = n.store.update(func(next map[peer.ID]record) error {
		r, ok := next[p]
		if !ok {
			return errUnpaired("host.grant", id)
		}
		r.Grants = grants
		next[p] = r
		return nil
	})
	if err != nil {
		return err
	}
	if err := n.gate.lift(p); err != nil {
		n.cfg.Log.Warn("limits", "err", err)
	}
	n.cfg.Log.Info("grants", "host", old.Name, "grants", grants, "trace", fusion.Trace(ctx))
	n.notify(p)
	return nil
}

// Forget unpairs a computer: its key opens nothing here any more, and what it
// has open ends now. One of the owner's is revoked on all of them. The other side
// keeps its record and shows Refused.
func (n *Network) Forget(ctx context.Context, id fusion.HostID) error {
	n.owning.Lock()
	defer n.owning.Unlock()
	p, r, err := n.find("host.forget", id)
	if err != nil {
		return err
	}
	if err := n.forget(p); err != nil {
		return err
	}
	n.cfg.Log.Info("forgotten", "host", r.Name, "trace", fusion.Trace(ctx))
	return n.disown(ctx, p)
}

func (n *Network) forget(id peer.ID) error {
	r, _ := n.store.get(id)
	last := n.peer(id, r)
	conns := n.host.Network().ConnsToPeer(id)
	err := n.store.update(func(next map[peer.ID]record) error {
		delete(next, id)
		return nil
	})
	if err != nil {
		return err
	}
	n.lasting.Drop(hostID(id))
	n.turn.Revoke(id.String())
	n.unlink(id, conns)
	last.Online, last.Path, last.Via, last.WhyNot = false, "", "", ""
	last.Transport, last.Addr, last.RTT = "", "", 0
	n.notifying.Lock()
	defer n.notifying.Unlock()
	if _, again := n.store.get(id); !again { // else it was paired anew meanwhile
		n.watches.send(last, true)
	}
	return nil
}
