package vmctl

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/netxml"
)

const (
	opNetworkCreate = "network.create"
	opNetworkRemove = "network.remove"
)

// Create makes a network. What it is about to make is written down first, so that
// whoever comes after a node that was killed makes it whole or takes it back.
func (n networks) Create(ctx context.Context, spec fusion.NetworkSpec) (made fusion.Network, err error) {
	if err := spec.Check(); err != nil {
		return made, networkRefusal(spec, err)
	}
	if why := n.s.whyAway(); why != nil {
		return made, away(opNetworkCreate, spec.Name, why)
	}
	err = n.s.lonely(ctx, opNetworkCreate, spec.Name, func(ctx context.Context) error {
		one, err := n.create(ctx, spec)
		if err == nil {
			made, err = n.shown(ctx, one)
		}
		return networkError(opNetworkCreate, spec.Name, err)
	})
	return made, err
}

// networkRefusal gives a refused name a printable path.
func networkRefusal(spec fusion.NetworkSpec, err error) error {
	e := &fusion.Error{Op: opNetworkCreate, Path: fusionClip(spec.Name), Cause: fusion.ErrInvalid, Hint: fusion.Hint(err)}
	var inner *fusion.Error
	if errors.As(err, &inner) {
		e.Detail = inner.Detail
	}
	return e
}

func (n networks) create(ctx context.Context, spec fusion.NetworkSpec) (netxml.Network, error) {
	all, err := n.s.allNetworks(ctx)
	if err != nil {
		return netxml.Network{}, err
	}
	key := fusion.Key(ctx)
	for _, one := range all {
		same := outsideName(one.Name, one.UUID) == spec.Name
		switch {
		case key != "" && one.Key == key && same:
			return one, nil // an earlier call made it
		case key != "" && one.Key == key:
			return netxml.Network{}, invalid(opNetworkCreate, spec.Name, "its idempotency key made "+one.Name, "use a new key for each network")
		case same:
			return netxml.Network{}, &fusion.Error{Op: opNetworkCreate, Path: spec.Name, Cause: fusion.ErrExists, Hint: "choose another name, or remove that network first"}
		}
	}
	subnet, err := place(spec, all, n.s.config.routes())
	if err != nil {
		return netxml.Network{}, err
	}
	makes, err := n.s.checkSwitch(ctx, spec)
	if err != nil {
		return netxml.Network{}, err
	}
	return n.build(ctx, spec, subnet, makes, key)
}

// place gives the network's subnet and refuses one that is taken.
func place(spec fusion.NetworkSpec, all []netxml.Network, taken []route) (netip.Prefix, error) {
	if !spec.Kind.HasSubnet() {
		return netip.Prefix{}, nil
	}
	for _, one := range all {
		if one.Subnet.IsValid() {
			// Before the routes: the name of the network says more than its bridge's.
			taken = slices.Insert(taken, 0, route{one.Subnet.Masked(), "network " + outsideName(one.Name, one.UUID)})
		}
	}
	var prefixes []netip.Prefix
	for _, r := range taken {
		prefixes = append(prefixes, r.to)
	}
	free, found := fusion.FreeSubnet(prefixes)
	if spec.Subnet == "" {
		if !found {
			return free, invalid(opNetworkCreate, spec.Name, "no subnet is free that Hither would choose", "name one, as in --subnet 10.9.0.0/24")
		}
		return free, nil
	}
	p, err := fusion.ParseSubnet(spec.Subnet)
	if err != nil {
		return p, err
	}
	r, overlaps := overlapping(p, taken)
	if !overlaps {
		return p, nil
	}
	hint := "take another subnet"
	if found {
		hint = "take one that is free, such as " + free.String()
	}
	return p, invalid(opNetworkCreate, spec.Name, fmt.Sprintf("%s overlaps %s, which is in use by %s", p, r.to, r.dev), hint)
}

// checkSwitch looks whether the bridge is there, and says whether it is to be made.
func (s *Store) checkSwitch(ctx context.Context, spec fusion.NetworkSpec) (makes bool, err error) {
	bridge := spec.SwitchName()
	switch spec.Kind {
	case fusion.Bridged:
		if slices.Contains(s.config.bridges(), bridge) {
			return false, nil
		}
		return false, invalid(opNetworkCreate, spec.Name, "that computer has no bridge "+bridge, bridgeHint(s.config.bridges()))
	case fusion.Switched:
		there, err := s.hasSwitch(ctx, bridge)
		if err != nil || there {
			return false, err
		}
		if hasInterface(bridge) {
			return false, invalid(opNetworkCreate, spec.Name, bridge+" is another interface of that computer", "name another bridge, as in --bridge ovs0")
		}
		return true, nil
	}
	return false, nil
}

func bridgeHint(bridges []string) string {
	if len(bridges) == 0 {
		return "make a bridge in that computer's network settings first; for one of Open vSwitch's take the kind ovs"
	}
	return "its bridges are: " + strings.Join(bridges, ", ") + "; for one of Open vSwitch's take the kind ovs"
}

// build is the part of Create that leaves something. ctx does not end it.
func (n networks) build(ctx context.Context, spec fusion.NetworkSpec, subnet netip.Prefix, makes bool, key string) (one netxml.Network, err error) {
	uuid := newUUID()
	text, err := netxml.New(spec, subnet, uuid, key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return one, err
	}
	i := intent{Op: opNetworkCreate, Name: spec.Name, UUID: uuid, Start: true}
	if makes {
		i.Bridge = spec.SwitchName()
	}
	_, end, err := n.s.intend(i)
	if err != nil {
		return one, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if err := n.s.buildNetwork(ctx, i, text); err != nil {
		undone := n.s.undoNetwork(ctx, i)
		end(undone == nil)
		return one, errors.Join(err, undone)
	}
	end(true)
	n.s.config.Log.Info("network created", "network", spec.Name, "kind", spec.Kind, "trace", fusion.Trace(ctx))
	all, err := n.s.allNetworks(ctx)
	for _, made := range all {
		if made.UUID == uuid {
			return made, nil
		}
	}
	if err == nil {
		err = noSuchNetwork(opNetworkCreate, spec.Name) // somebody removed it already
	}
	return one, err
}

func (s *Store) buildNetwork(ctx context.Context, i intent, text string) error {
	if i.Bridge != "" {
		if err := s.makeSwitch(ctx, i.Bridge, i.UUID); err != nil {
			return err
		}
	}
	if err := s.do(ctx, func(d driver) error { return d.defineNetwork(text) }); err != nil {
		return err
	}
	return s.do(ctx, func(d driver) error { return d.startNetwork(i.UUID) })
}

// undoNetwork takes back what buildNetwork began.
func (s *Store) undoNetwork(ctx context.Context, i intent) error {
	err := s.do(ctx, func(d driver) error { return d.undefineNetwork(i.UUID) })
	if err != nil && !errors.Is(err, fusion.ErrNotFound) {
		return err
	}
	if i.Bridge == "" {
		return nil
	}
	return s.dropSwitch(ctx, i.Bridge, i.UUID)
}

// settleNetwork ends what a node that was killed left of a network. One that is
// defined runs, or goes; the bridge that was made for one that is not defined goes.
func (s *Store) settleNetwork(ctx context.Context, i intent) error {
	all, err := s.allNetworks(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(one netxml.Network) bool { return one.UUID == i.UUID })
	switch {
	case at < 0:
		return s.undoNetwork(ctx, i)
	case !i.Start || all[at].Active:
		return nil
	}
	err = s.do(ctx, func(d driver) error { return d.startNetwork(i.UUID) })
	if err == nil || errors.Is(err, fusion.ErrOffline) {
		return err
	}
	s.config.Log.Info("undone what was half done", "operation", i.Op, "network", i.Name, "error", err)
	return s.undoNetwork(ctx, i)
}

// Remove forgets a network that no machine has a card on.
func (n networks) Remove(ctx context.Context, name string) error {
	return n.s.lonely(ctx, opNetworkRemove, name, func(ctx context.Context) error {
		if n.s.connected() { // what others plugged in just now counts too
			if err := n.s.relistAnew(ctx); err != nil {
				return fail(opNetworkRemove, fusionClip(name), err)
			}
		}
		one, err := n.s.findNetwork(ctx, opNetworkRemove, name)
		if err != nil {
			return err
		}
		if on := n.s.machinesOn(one, nil); len(on) > 0 {
			return &fusion.Error{Op: opNetworkRemove, Path: name, Cause: fusion.ErrBusy, Detail: "machines have a card on it: " + strings.Join(on, ", "),
				Hint: "remove those machines first, or give them another network"}
		}
		return networkError(opNetworkRemove, name, n.remove(ctx, one))
	})
}

func (n networks) remove(ctx context.Context, one netxml.Network) error {
	i := intent{Op: opNetworkRemove, Name: one.Name, UUID: one.UUID}
	if one.Kind == fusion.Switched {
		i.Bridge = one.Bridge
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	_, end, err := n.s.intend(i)
	if err != nil {
		return err
	}
	err = n.s.undoNetwork(ctx, i)
	end(err == nil)
	return n.s.told(ctx, opNetworkRemove, one.Name, "network removed", err)
}
