package hosttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

// testNetworks is what every host promises, whatever networks it can make.
func (s *suite) testNetworks(t *testing.T) {
	ctx, networks := s.ctx(t), s.host.Networks()
	list, err := networks.List(ctx)
	must(t, "list", err)
	if list == nil || !slices.IsSortedFunc(list, func(a, b fusion.Network) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("not by name: %+v", list)
	}
	missing := fresh("none")
	_, err = networks.Get(ctx, missing)
	refused(t, "get", err, fusion.ErrNotFound)
	_, err = networks.Leases(ctx, missing)
	refused(t, "leases", err, fusion.ErrNotFound)
	refused(t, "remove", networks.Remove(ctx, missing), fusion.ErrNotFound)
	refused(t, "start", networks.Start(ctx, missing), fusion.ErrNotFound)
	refused(t, "stop", networks.Stop(ctx, missing), fusion.ErrNotFound)
	_, err = networks.NICs(ctx, fusion.Self)
	refused(t, "cards of self", err, fusion.ErrUnsupported)
	_, err = networks.NICs(ctx, missing)
	refused(t, "cards of nobody", err, fusion.ErrNotFound)
	for _, spec := range []fusion.NetworkSpec{{Name: missing, Kind: "moon"}, {Name: missing, Kind: fusion.Bridged}, {Name: missing, Kind: fusion.NAT, Subnet: "8.8.8.0/24"}} {
		_, err := networks.Create(ctx, spec)
		refused(t, fmt.Sprintf("%+v", spec), err, fusion.ErrInvalid)
	}
	for _, bad := range badNames {
		_, err := networks.Create(ctx, fusion.NetworkSpec{Name: bad, Kind: fusion.Isolated})
		refused(t, fmt.Sprintf("name %q", bad), err, fusion.ErrInvalid)
		refused(t, fmt.Sprintf("remove %q", bad), networks.Remove(ctx, bad), fusion.ErrNotFound, fusion.ErrInvalid)
	}
}

// testMakeNetworks takes one through its life, with a machine on it.
func (s *suite) testMakeNetworks(t *testing.T) {
	ctx, networks, machines := s.ctx(t), s.host.Networks(), s.host.Machines()
	name := fresh("net")
	made, err := networks.Create(ctx, fusion.NetworkSpec{Name: name, Kind: fusion.Isolated})
	must(t, "create", err)
	if made.Name != name || made.Kind != fusion.Isolated || !made.Active || !made.Autostart || made.Subnet == "" || len(made.Machines) != 0 {
		t.Errorf("made %+v", made)
	}
	_, err = networks.Create(ctx, fusion.NetworkSpec{Name: name, Kind: fusion.NAT})
	refused(t, "the name again", err, fusion.ErrExists)
	_, err = networks.Create(ctx, fusion.NetworkSpec{Name: fresh("net"), Kind: fusion.Isolated, Subnet: made.Subnet})
	refused(t, "the subnet again", err, fusion.ErrInvalid)
	_, err = machines.Create(ctx, fusion.MachineSpec{Name: fresh("vm"), Network: fresh("none")})
	refused(t, "a machine on no network", err, fusion.ErrNotFound)
	vm := s.create(t, fusion.MachineSpec{Network: name}).Name
	nics, err := networks.NICs(ctx, vm)
	must(t, "cards", err)
	if len(nics) != 1 || nics[0].Network != name || nics[0].MAC == "" || nics[0].Addresses == nil {
		t.Errorf("cards %+v", nics)
	}
	if got, err := networks.Get(ctx, name); err != nil || !slices.Equal(got.Machines, []string{vm}) {
		t.Errorf("got %+v, %v", got, err)
	}
	refused(t, "remove one in use", networks.Remove(ctx, name), fusion.ErrBusy)
	must(t, "start the machine", machines.Do(ctx, vm, fusion.Start))
	s.until(t, vm, fusion.Running)
	refused(t, "stop one in use", networks.Stop(ctx, name), fusion.ErrBusy)
	leases, err := networks.Leases(ctx, name)
	must(t, "leases", err)
	if leases == nil {
		t.Error("no list of leases")
	}
	must(t, "force off", machines.Do(ctx, vm, fusion.ForceOff))
	s.until(t, vm, fusion.Off)
	must(t, "remove the machine", machines.Remove(ctx, vm))
	for range 2 {
		must(t, "stop", networks.Stop(ctx, name))
	}
	if got, err := networks.Get(ctx, name); err != nil || got.Active {
		t.Errorf("stopped: %+v, %v", got, err)
	}
	for range 2 {
		must(t, "start", networks.Start(ctx, name))
	}
	must(t, "remove", networks.Remove(ctx, name))
	refused(t, "remove again", networks.Remove(ctx, name), fusion.ErrNotFound)
}

// testForwards adds forwards to a machine; that they answer is for those who have a
// guest.
func (s *suite) testForwards(t *testing.T) {
	ctx, forwards, machines := s.ctx(t), s.host.Forwards(), s.host.Machines()
	vm := s.create(t, fusion.MachineSpec{}).Name
	list, err := forwards.List(ctx, vm)
	must(t, "list", err)
	if list == nil || len(list) != 0 {
		t.Errorf("a new machine has %+v", list)
	}
	tcp, err := forwards.Add(ctx, vm, fusion.Forward{GuestPort: 22})
	must(t, "add", err)
	if tcp.HostPort == 0 || tcp.GuestPort != 22 || tcp.Proto != "tcp" || tcp.Listen != "127.0.0.1" || tcp.Machine != vm {
		t.Errorf("added %+v", tcp)
	}
	udp, err := forwards.Add(ctx, vm, fusion.Forward{GuestPort: 53, Proto: "udp"})
	must(t, "add udp", err)
	_, err = forwards.Add(ctx, vm, fusion.Forward{HostPort: tcp.HostPort, GuestPort: 80})
	refused(t, "the port again", err, fusion.ErrExists)
	list, err = forwards.List(ctx, vm)
	must(t, "list", err)
	if len(list) != 2 || !slices.Contains(list, tcp) || !slices.Contains(list, udp) {
		t.Errorf("listed %+v", list)
	}
	must(t, "remove", forwards.Remove(ctx, vm, udp))
	refused(t, "remove again", forwards.Remove(ctx, vm, udp), fusion.ErrNotFound)
	for _, bad := range []fusion.Forward{{}, {GuestPort: 1, Proto: "icmp"}, {GuestPort: 1, Listen: "there"}, {GuestPort: 1, HostPort: 70000}} {
		_, err := forwards.Add(ctx, vm, bad)
		refused(t, fmt.Sprintf("%+v", bad), err, fusion.ErrInvalid)
	}
	_, err = forwards.Add(ctx, fusion.Self, fusion.Forward{GuestPort: 22})
	refused(t, "to self", err, fusion.ErrUnsupported)
	_, err = forwards.Add(ctx, fresh("none"), fusion.Forward{GuestPort: 22})
	refused(t, "to nobody", err, fusion.ErrNotFound)
	must(t, "remove the machine", machines.Remove(ctx, vm))
	other := s.create(t, fusion.MachineSpec{}).Name
	s.eventually(t, "the port is free again", func() bool {
		_, err := forwards.Add(ctx, other, fusion.Forward{HostPort: tcp.HostPort, GuestPort: 22})
		return err == nil
	})
}
