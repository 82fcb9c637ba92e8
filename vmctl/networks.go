package vmctl

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/netxml"
)

// networkDriver is what a Store needs of a hypervisor for networks.
type networkDriver interface {
	// networks lists every network with its definition.
	networks() ([]netxml.Network, error)
	defineNetwork(xml string) error
	undefineNetwork(uuid string) error
	// startNetwork also lets it start with the host.
	startNetwork(uuid string) error
	stopNetwork(uuid string) error
	// leases gives the addresses that the network's DHCP server has given out.
	leases(uuid string) ([]fusion.Lease, error)
	// addresses gives the addresses of a running domain's cards by MAC, from one of
	// the sources of fusion.NICAddress.
	addresses(uuid, source string) (map[string][]string, error)
	// monitor passes a line to QEMU's monitor and gives what it prints.
	monitor(uuid, line string) (string, error)
}

// networks is the Store as fusion.Networks.
type networks struct{ s *Store }

var _ fusion.Networks = networks{}

// Networks are the networks of this computer's virtual machines.
func (s *Store) Networks() fusion.Networks { return networks{s} }

// List gives every network; where there is no hypervisor there is none.
func (n networks) List(ctx context.Context) ([]fusion.Network, error) {
	const op = "network.list"
	out := []fusion.Network{}
	if why := n.s.whyAway(); why != nil {
		if errors.Is(why, fusion.ErrUnsupported) {
			return out, ctx.Err()
		}
		return nil, away(op, "", why)
	}
	all, err := n.s.allNetworks(ctx)
	if err != nil {
		return nil, fail(op, "", err)
	}
	for _, one := range all {
		shown, err := n.shown(ctx, one)
		if err != nil {
			return nil, fail(op, "", err)
		}
		out = append(out, shown)
	}
	slices.SortFunc(out, func(a, b fusion.Network) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Get gives one network.
func (n networks) Get(ctx context.Context, name string) (fusion.Network, error) {
	const op = "network.show"
	one, err := n.s.findNetwork(ctx, op, name)
	if err != nil {
		return fusion.Network{}, err
	}
	shown, err := n.shown(ctx, one)
	return shown, fail(op, name, err)
}

func (s *Store) allNetworks(ctx context.Context) ([]netxml.Network, error) {
	return call(ctx, s, func(d driver) ([]netxml.Network, error) { return d.networks() }, nil)
}

// findNetwork finds a network by the name it is shown under.
func (s *Store) findNetwork(ctx context.Context, op, name string) (netxml.Network, error) {
	switch why := s.whyAway(); {
	case errors.Is(why, fusion.ErrUnsupported):
		e := noSuchNetwork(op, name)
		e.Hint = cmp.Or(fusion.Hint(why), e.Hint)
		return netxml.Network{}, e
	case why != nil:
		return netxml.Network{}, away(op, fusionClip(name), why)
	}
	all, err := s.allNetworks(ctx)
	if err != nil {
		return netxml.Network{}, fail(op, fusionClip(name), err)
	}
	for _, one := range all {
		if outsideName(one.Name, one.UUID) == name {
			return one, nil
		}
	}
	return netxml.Network{}, noSuchNetwork(op, name)
}

func noSuchNetwork(op, name string) *fusion.Error {
	return &fusion.Error{Op: op, Path: fusionClip(name), Cause: fusion.ErrNotFound, Detail: "no such network",
		Hint: "hither network ls shows the networks there are"}
}

// shown makes the fusion value of a network.
func (n networks) shown(ctx context.Context, one netxml.Network) (fusion.Network, error) {
	out := fusion.Network{Name: outsideName(one.Name, one.UUID), Kind: one.Kind, Active: one.Active, Autostart: one.Autostart,
		Bridge: one.Bridge, Machines: n.s.machinesOn(one, nil)}
	if !one.Subnet.IsValid() {
		return out, nil
	}
	out.Subnet = one.Subnet.String()
	if !one.Active {
		return out, nil
	}
	leases, err := call(ctx, n.s, func(d driver) ([]fusion.Lease, error) { return d.leases(one.UUID) }, nil)
	if errors.Is(err, fusion.ErrNotFound) || errors.Is(err, fusion.ErrInvalid) { // it went, or stopped, meanwhile
		err = nil
	}
	out.Leases = len(leases)
	return out, err
}

// machinesOn gives the names of the machines with a card on a network, of those that
// only lets through.
func (s *Store) machinesOn(one netxml.Network, only func(domain) bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []string{}
	for _, r := range s.records {
		on := slices.ContainsFunc(r.NICs, func(nic domxml.NIC) bool { return nic.Network == one.Name })
		if on && (only == nil || only(r.domain)) {
			names = append(names, r.shown)
		}
	}
	slices.Sort(names)
	return names
}

// Start lets a network run, now and with the host.
func (n networks) Start(ctx context.Context, name string) error {
	const op = "network.start"
	return n.s.lonely(ctx, op, name, func(ctx context.Context) error {
		one, err := n.s.findNetwork(ctx, op, name)
		if err != nil || one.Active {
			return err
		}
		err = n.s.do(ctx, func(d driver) error { return d.startNetwork(one.UUID) })
		return n.s.told(ctx, op, name, "network started", err)
	})
}

// Stop ends a network until it is started again.
func (n networks) Stop(ctx context.Context, name string) error {
	const op = "network.stop"
	return n.s.lonely(ctx, op, name, func(ctx context.Context) error {
		one, err := n.s.findNetwork(ctx, op, name)
		if err != nil || !one.Active {
			return err
		}
		if on := n.s.machinesOn(one, func(d domain) bool { return d.active }); len(on) > 0 {
			return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "machines run on it: " + strings.Join(on, ", "),
				Hint: "shut them down first: they would lose their network"}
		}
		err = n.s.do(ctx, func(d driver) error { return d.stopNetwork(one.UUID) })
		return n.s.told(ctx, op, name, "network stopped", err)
	})
}

// told logs what was done, or explains why it was not.
func (s *Store) told(ctx context.Context, op, name, what string, err error) error {
	if err == nil {
		s.config.Log.Info(what, "network", name, "trace", fusion.Trace(ctx))
	}
	return networkError(op, name, err)
}

// networkError explains what libvirt says of networks.
func networkError(op, name string, err error) error {
	var d *driverError
	if !errors.As(err, &d) {
		return fail(op, name, err)
	}
	e := &fusion.Error{Op: op, Path: name, Cause: d.cause, Detail: d.text, Hint: hintFor(d)}
	has := func(word string) bool { return strings.Contains(d.text, word) }
	switch {
	case has("Operation not permitted"), has("Permission denied"), has("session mode"):
		e.Cause, e.Hint = fusion.ErrPermission, "networks need the computer's own libvirt: start the node with hither up --libvirt qemu:///system"
	case has("dnsmasq"):
		e.Cause, e.Hint = fusion.ErrUnsupported, "install what gives addresses to machines (Debian, Ubuntu: apt install dnsmasq-base)"
	case has("iptables"), has("ip6tables"), has("firewall"):
		e.Cause, e.Hint = fusion.ErrUnsupported, "install what libvirt forwards with (Debian, Ubuntu: apt install iptables), or take the kind isolated"
	case has("already in use by interface"):
		e.Cause, e.Hint = fusion.ErrInvalid, "take another subnet"
	case errors.Is(d.cause, fusion.ErrNotFound):
		e.Hint = "hither network ls shows the networks there are"
	}
	return e
}

// lonely runs a change of networks while no other runs: two that choose a free subnet
// must not choose the same.
func (s *Store) lonely(ctx context.Context, op, name string, do func(ctx context.Context) error) error {
	select {
	case s.networking <- struct{}{}:
	case <-ctx.Done():
		return fail(op, fusionClip(name), ctx.Err())
	}
	defer func() { <-s.networking }()
	return do(ctx)
}

// Leases gives the addresses in use.
func (n networks) Leases(ctx context.Context, name string) ([]fusion.Lease, error) {
	const op = "network.leases"
	out := []fusion.Lease{}
	one, err := n.s.findNetwork(ctx, op, name)
	if err != nil || !one.Active || !one.Subnet.IsValid() {
		return out, err
	}
	list, err := call(ctx, n.s, func(d driver) ([]fusion.Lease, error) { return d.leases(one.UUID) }, nil)
	if err != nil {
		return nil, networkError(op, name, err)
	}
	owners := n.s.cards()
	for _, l := range list {
		l.Machine = owners[strings.ToLower(l.MAC)]
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b fusion.Lease) int { return compareIP(a.IP, b.IP) })
	return out, nil
}

// cards tells whose card a MAC is.
func (s *Store) cards() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	owners := map[string]string{}
	for _, r := range s.records {
		for _, nic := range r.NICs {
			owners[strings.ToLower(nic.MAC)] = r.shown
		}
	}
	return owners
}

// compareIP orders addresses; what is none comes first.
func compareIP(a, b string) int {
	x, _ := netip.ParseAddr(a)
	y, _ := netip.ParseAddr(b)
	return x.Compare(y)
}
