package app

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

// askTime bounds how long a host is waited for that is asked what is free. It tries
// KVM by running something when nobody has since it was booted.
const askTime = 20 * time.Second

// Place chooses a host for a machine; one without a name is only looked for. The key of the context, if any, stands for
// this choice from then on, also over a restart of the node: whoever asks again
// because an answer was lost is sent where the machine may be already.
func (n *Node) Place(ctx context.Context, spec fusion.MachineSpec) (fusion.Placement, error) {
	const op = "machine.place"
	if spec.Name == "" { // it is only looked
		return fusion.Place(spec, n.candidates(ctx, spec)), ctx.Err()
	}
	if err := fusion.CheckName(spec.Name); err != nil {
		return fusion.Placement{}, err
	}
	if host, name, known := n.placed.get(fusion.Key(ctx)); known {
		return n.placedBefore(host, name, spec.Name)
	}
	if host := n.whoHas(spec.Name); host != "" {
		return fusion.Placement{}, &fusion.Error{Op: op, Path: spec.Name, Cause: fusion.ErrExists, Detail: host + " has a machine of this name",
			Hint: "choose another name, or name the host: HOST/" + spec.Name}
	}
	p := fusion.Place(spec, n.candidates(ctx, spec))
	if err := ctx.Err(); err != nil {
		return fusion.Placement{}, err
	}
	if p.Host == "" {
		return p, nil
	}
	return n.placed.take(fusion.Key(ctx), p, spec.Name)
}

// placedBefore is the answer to a key that was answered before.
func (n *Node) placedBefore(host fusion.HostID, name, asked string) (fusion.Placement, error) {
	if name != asked {
		return fusion.Placement{}, &fusion.Error{Op: "machine.place", Path: asked, Cause: fusion.ErrInvalid, Detail: "its idempotency key placed " + name,
			Hint: "use a new key for each machine"}
	}
	return fusion.Placement{Host: n.HostName(host), ID: host, Candidates: []fusion.Candidate{}, Again: true}, nil
}

// whoHas gives the name of a host that has a machine of this name, also one that is
// offline: a machine that may be anywhere is one machine.
func (n *Node) whoHas(name string) string {
	for _, h := range n.Hosts() {
		if n.table.hasMachine(h.ID, name) {
			return h.Name
		}
	}
	return ""
}

// candidates asks every host that may be asked what it has free, at once.
func (n *Node) candidates(ctx context.Context, spec fusion.MachineSpec) []fusion.Candidate {
	hosts := n.Hosts()
	list := make([]fusion.Candidate, len(hosts))
	var asking sync.WaitGroup
	for i, h := range hosts {
		list[i] = fusion.Candidate{Host: h.Name, ID: h.ID, Roles: h.Roles}
		switch {
		case !h.Online:
			list[i].Why = fusion.UnfitOffline
		case !h.Allows(fusion.MachinesCap):
			list[i].Why = fusion.UnfitGrant
		default:
			asking.Go(func() { n.askResources(ctx, h, spec, &list[i]) })
		}
	}
	asking.Wait()
	return list
}

func (n *Node) askResources(ctx context.Context, h fusion.HostInfo, spec fusion.MachineSpec, c *fusion.Candidate) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	host, _, err := n.Resolve(string(h.ID))
	var r fusion.Resources
	if err == nil {
		r, err = host.Resources(ctx)
	}
	switch {
	case err == nil:
		c.Resources = &r
		c.HasImage = n.hasImage(ctx, host, spec)
		return
	case errors.Is(err, fusion.ErrPermission):
		c.Why = fusion.UnfitGrant
	case errors.Is(err, fusion.ErrUnsupported):
		c.Why = fusion.UnfitOld
	case errors.Is(err, fusion.ErrOffline):
		c.Why = fusion.UnfitOffline
	default:
		c.Why = fusion.UnfitSilent
	}
	n.log.Info("a host does not say what is free", "host", h.Name, "err", err, "trace", fusion.Trace(ctx))
}

// hasImage says whether a host has what a machine is made of. An image of the catalogue
// has its name in each pool; one that is brought from elsewhere is nowhere yet.
func (n *Node) hasImage(ctx context.Context, host fusion.Host, spec fusion.MachineSpec) bool {
	wanted := cmp.Or(spec.Image, spec.ISO)
	if fusion.CheckName(wanted) != nil {
		return false
	}
	list, err := host.Images().List(ctx)
	if err != nil {
		n.log.Debug("a host does not say which images it has", "err", err, "trace", fusion.Trace(ctx))
	}
	return slices.ContainsFunc(list, func(i fusion.Image) bool { return i.Name == wanted })
}

const (
	// placedAge is how long a choice is kept: longer than anybody retries.
	placedAge = 24 * time.Hour
	// maxPlaced bounds the choices that are kept; the oldest go first.
	maxPlaced = 1024
)

// chosen is a choice that a key stands for.
type chosen struct {
	Host fusion.HostID `json:"host"`
	Name string        `json:"name"` // of the machine
	At   time.Time     `json:"at"`
}

// placed keeps the choices of keys, in placed.json.
type placed struct {
	path string

	mu  sync.Mutex // guards all; held while writing
	all map[string]chosen
}

func openPlaced(path string) (*placed, error) {
	p := &placed{path: path, all: map[string]chosen{}}
	if err := readJSON(path, &p.all); err != nil {
		return nil, &fusion.Error{Op: "node", Path: path, Cause: fusion.ErrInvalid, Detail: err.Error(),
			Hint: "remove the file; it holds where machines were placed in the last day"}
	}
	return p, nil
}

func (p *placed) get(key string) (host fusion.HostID, name string, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, known := p.all[key]
	return one.Host, one.Name, known && key != ""
}

// take keeps a choice before it is told. Of two calls with one key the first one's
// choice counts.
func (p *placed) take(key string, choice fusion.Placement, name string) (fusion.Placement, error) {
	if key == "" {
		return choice, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, known := p.all[key]; known && one.Name == name {
		for _, c := range choice.Candidates {
			if c.ID == one.Host {
				choice.Host, choice.ID, choice.Again = c.Host, c.ID, true
			}
		}
		return choice, nil
	}
	next := maps.Clone(p.all)
	next[key] = chosen{Host: choice.ID, Name: name, At: time.Now()}
	trim(next)
	if err := writeJSON(p.path, next); err != nil {
		return fusion.Placement{}, &fusion.Error{Op: "machine.place", Path: p.path, Cause: err, Hint: "make room on the disk; nothing was made"}
	}
	p.all = next
	return choice, nil
}

// trim drops what is old, and the oldest where there are too many.
func trim(all map[string]chosen) {
	oldest := ""
	for key, one := range all {
		if time.Since(one.At) > placedAge {
			delete(all, key)
		} else if oldest == "" || one.At.Before(all[oldest].At) {
			oldest = key
		}
	}
	if len(all) > maxPlaced {
		delete(all, oldest)
	}
}
