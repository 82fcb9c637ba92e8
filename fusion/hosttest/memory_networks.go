package hosttest

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"hither/fusion"
)

type memoryNetworks struct{ m *Memory }

// network finds one and who is on it. The caller holds mu.
func (m *Memory) network(op, name string) (fusion.Network, error) {
	n, there := m.networks[name]
	if !there {
		return n, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound, Hint: "`hither network ls` shows the networks"}
	}
	n.Machines = []string{}
	for _, machine := range slices.Sorted(maps.Keys(m.cards)) {
		if m.cards[machine] == name {
			n.Machines = append(n.Machines, machine)
		}
	}
	return n, nil
}

func (p memoryNetworks) List(ctx context.Context) ([]fusion.Network, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	list := []fusion.Network{}
	for _, name := range slices.Sorted(maps.Keys(p.m.networks)) {
		n, err := p.m.network("network.list", name)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, ctx.Err()
}

func (p memoryNetworks) Get(_ context.Context, name string) (fusion.Network, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	return p.m.network("network.show", name)
}

func (p memoryNetworks) Create(ctx context.Context, spec fusion.NetworkSpec) (fusion.Network, error) {
	const op = "network.create"
	if err := spec.Check(); err != nil {
		return fusion.Network{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, there := p.m.networks[spec.Name]; there {
		return fusion.Network{}, &fusion.Error{Op: op, Path: spec.Name, Cause: fusion.ErrExists, Hint: "choose another name"}
	}
	n := fusion.Network{Name: spec.Name, Kind: spec.Kind, Active: true, Autostart: true, Machines: []string{}}
	if !spec.Kind.HasSubnet() {
		n.Bridge = spec.SwitchName()
		p.m.networks[spec.Name] = n
		return n, ctx.Err()
	}
	var taken []netip.Prefix
	for _, other := range p.m.networks {
		if p, err := netip.ParsePrefix(other.Subnet); err == nil {
			taken = append(taken, p)
		}
	}
	subnet, _ := fusion.FreeSubnet(taken)
	if spec.Subnet != "" {
		subnet = netip.MustParsePrefix(spec.Subnet) // Check has passed it
	}
	if slices.ContainsFunc(taken, subnet.Overlaps) {
		return fusion.Network{}, &fusion.Error{Op: op, Path: spec.Name, Cause: fusion.ErrInvalid, Detail: "the subnet is in use", Hint: "take another one"}
	}
	n.Subnet = subnet.String()
	p.m.networks[spec.Name] = n
	return n, ctx.Err()
}

// runsOn says whether a machine on the network runs. The caller holds mu.
func (m *Memory) runsOn(n fusion.Network) bool {
	return slices.ContainsFunc(n.Machines, func(name string) bool { return m.machines[name].State != fusion.Off })
}

func (p memoryNetworks) Remove(_ context.Context, name string) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	n, err := p.m.network("network.remove", name)
	if err == nil && len(n.Machines) > 0 {
		err = &fusion.Error{Op: "network.remove", Path: name, Cause: fusion.ErrBusy, Detail: fmt.Sprintf("%v are on it", n.Machines), Hint: "remove them first"}
	}
	if err == nil {
		delete(p.m.networks, name)
	}
	return err
}

func (p memoryNetworks) Start(_ context.Context, name string) error {
	return p.set("network.start", name, true)
}
func (p memoryNetworks) Stop(_ context.Context, name string) error {
	return p.set("network.stop", name, false)
}

func (p memoryNetworks) set(op, name string, active bool) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	n, err := p.m.network(op, name)
	switch {
	case err != nil:
		return err
	case !active && p.m.runsOn(n):
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "machines run on it", Hint: "turn them off first"}
	}
	n.Active = active
	p.m.networks[name] = n
	return nil
}

func (p memoryNetworks) Leases(_ context.Context, name string) ([]fusion.Lease, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	_, err := p.m.network("network.leases", name)
	return []fusion.Lease{}, err
}

// guest finds a virtual machine. The caller holds mu.
func (m *Memory) guest(op, name string) error {
	v, err := m.machine(op, name)
	if err == nil && v.Kind == fusion.KindSelf {
		err = &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it is the computer itself", Hint: "ask for a virtual machine"}
	}
	return err
}

func (p memoryNetworks) NICs(_ context.Context, machine string) ([]fusion.NIC, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if err := p.m.guest("machine.nics", machine); err != nil {
		return nil, err
	}
	nic := fusion.NIC{MAC: "52:54:00:00:00:01", Model: "virtio", Kind: "user", Network: p.m.cards[machine], Addresses: []fusion.NICAddress{}}
	if nic.Network != "" {
		nic.Kind = "network"
	}
	return []fusion.NIC{nic}, nil
}

type memoryForwards struct{ m *Memory }

// firstPort is the port that a forward gets which asks for none.
const firstPort = 40000

func (p memoryForwards) List(_ context.Context, machine string) ([]fusion.Forward, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if err := p.m.guest("machine.forward.ls", machine); err != nil {
		return nil, err
	}
	list := []fusion.Forward{}
	for _, f := range p.m.forwards {
		if f.Machine == machine {
			list = append(list, f)
		}
	}
	return list, nil
}

func (p memoryForwards) Add(_ context.Context, machine string, f fusion.Forward) (fusion.Forward, error) {
	f = f.WithDefaults()
	if err := f.Check(); err != nil {
		return f, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if err := p.m.guest("machine.forward.add", machine); err != nil {
		return f, err
	}
	f.Machine, f.Note = machine, ""
	taken := func() bool { return slices.ContainsFunc(p.m.forwards, f.Same) }
	if f.HostPort == 0 {
		for f.HostPort = firstPort; taken(); f.HostPort++ {
		}
	}
	if taken() {
		return f, &fusion.Error{Op: "machine.forward.add", Path: machine, Cause: fusion.ErrExists, Hint: "take another port"}
	}
	p.m.forwards = append(p.m.forwards, f)
	return f, nil
}

func (p memoryForwards) Remove(_ context.Context, machine string, f fusion.Forward) error {
	f = f.WithDefaults()
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	at := slices.IndexFunc(p.m.forwards, func(g fusion.Forward) bool { return g.Machine == machine && g.Same(f) })
	if at < 0 {
		return &fusion.Error{Op: "machine.forward.rm", Path: machine, Cause: fusion.ErrNotFound, Hint: "`hither machine forward ls` shows them"}
	}
	p.m.forwards = slices.Delete(p.m.forwards, at, at+1)
	return nil
}
