package vmctl

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/netxml"
	"hither/vmctl/proxy"
)

func netConfig(_ *testing.T, f *fake, o *switches, dir string) Config {
	return Config{Dir: dir, URI: "fake:///", open: f.open, ovs: o.run,
		bridges: func() []string { return []string{"br0"} },
		routes:  func() []route { return []route{{netip.MustParsePrefix("192.168.100.0/24"), "eth0"}} }}
}

func TestNetworksComeAndGo(t *testing.T) {
	f := newFake()
	s, _ := netStore(t, f)
	ctx, nets := t.Context(), s.Networks()
	if list := must(nets.List(ctx))(t); list == nil || len(list) != 0 {
		t.Fatalf("%+v", list)
	}
	lab := must(nets.Create(ctx, fusion.NetworkSpec{Name: "lab", Kind: fusion.NAT}))(t)
	if lab.Subnet != "192.168.101.0/24" || !lab.Active || !lab.Autostart || lab.Kind != fusion.NAT || lab.Bridge == "" {
		t.Errorf("made %+v", lab)
	}
	quiet := must(nets.Create(ctx, fusion.NetworkSpec{Name: "quiet", Kind: fusion.Isolated, Subnet: "10.9.0.0/24"}))(t)
	if quiet.Subnet != "10.9.0.0/24" || quiet.Kind != fusion.Isolated {
		t.Errorf("made %+v", quiet)
	}
	out := must(nets.Create(ctx, fusion.NetworkSpec{Name: "out", Kind: fusion.Bridged, Bridge: "br0"}))(t)
	if out.Subnet != "" || out.Bridge != "br0" {
		t.Errorf("made %+v", out)
	}
	if list := must(nets.List(ctx))(t); len(list) != 3 || list[0].Name != "lab" || list[2].Name != "quiet" {
		t.Errorf("%+v", list)
	}
	ok(t, nets.Stop(ctx, "lab"))
	ok(t, nets.Stop(ctx, "lab"))
	if got := must(nets.Get(ctx, "lab"))(t); got.Active {
		t.Error("it runs on")
	}
	ok(t, nets.Start(ctx, "lab"))
	ok(t, nets.Start(ctx, "lab"))
	ok(t, nets.Remove(ctx, "lab"))
	_, err := nets.Get(ctx, "lab")
	refused(t, err, fusion.ErrNotFound)
	refused(t, nets.Remove(ctx, "lab"), fusion.ErrNotFound)
	refused(t, nets.Start(ctx, "../lab"), fusion.ErrNotFound)
	if pending(t, s) != 0 {
		t.Error("an intent stays")
	}
}

func TestSubnetsThatOverlap(t *testing.T) {
	f := newFake()
	s, _ := netStore(t, f)
	ctx, nets := t.Context(), s.Networks()
	must(nets.Create(ctx, fusion.NetworkSpec{Name: "lab", Kind: fusion.Isolated, Subnet: "10.9.0.0/16"}))(t)
	for subnet, by := range map[string]string{"10.9.7.0/24": "network lab", "192.168.0.0/16": "eth0", "192.168.100.64/26": "eth0"} {
		_, err := nets.Create(ctx, fusion.NetworkSpec{Name: "other", Kind: fusion.NAT, Subnet: subnet})
		refused(t, err, fusion.ErrInvalid)
		if !strings.Contains(err.Error(), by) || !strings.Contains(fusion.Hint(err), "192.168.101.0/24") {
			t.Errorf("%s: %v (hint %s)", subnet, err, fusion.Hint(err))
		}
	}
	if len(f.plugged.all) != 1 {
		t.Errorf("%+v", f.plugged.all)
	}
}

func TestNetworksThatCannotBe(t *testing.T) {
	f := newFake()
	s, o := netStore(t, f)
	ctx, nets := t.Context(), s.Networks()
	for _, bad := range []fusion.NetworkSpec{{Name: "<x>", Kind: fusion.NAT}, {Name: "a", Kind: "moon"}, {Name: "a", Kind: fusion.Bridged, Bridge: "br9"},
		{Name: "a", Kind: fusion.Switched, Bridge: "lo"}} {
		_, err := nets.Create(ctx, bad)
		refused(t, err, fusion.ErrInvalid)
	}
	must(nets.Create(ctx, fusion.NetworkSpec{Name: "a", Kind: fusion.NAT}))(t)
	_, err := nets.Create(ctx, fusion.NetworkSpec{Name: "a", Kind: fusion.Isolated})
	refused(t, err, fusion.ErrExists)
	o.broken = true
	_, err = nets.Create(ctx, fusion.NetworkSpec{Name: "sw", Kind: fusion.Switched})
	refused(t, err, fusion.ErrUnsupported)
	if len(f.plugged.all) != 1 || pending(t, s) != 0 {
		t.Errorf("left %+v, %d intents", f.plugged.all, pending(t, s))
	}
}

// TestNetworkThatDoesNotStart leaves nothing: neither a definition nor a bridge.
func TestNetworkThatDoesNotStart(t *testing.T) {
	f := newFake()
	s, o := netStore(t, f)
	for text, cause := range map[string]error{"error creating bridge interface virbr7: Operation not permitted": fusion.ErrPermission,
		"Cannot find 'dnsmasq' in path": fusion.ErrUnsupported, "Failed to run firewall command": fusion.ErrUnsupported} {
		f.refuses("startNetwork", &driverError{errHypervisor, text})
		_, err := s.Networks().Create(t.Context(), fusion.NetworkSpec{Name: "sw", Kind: fusion.Switched})
		refused(t, err, cause)
		if len(f.plugged.all) != 0 || o.has("sw") || pending(t, s) != 0 {
			t.Errorf("%s: left %+v, bridge %v, %d intents", text, f.plugged.all, o.has("sw"), pending(t, s))
		}
	}
}

func TestSwitchesAreMadeAndGo(t *testing.T) {
	f := newFake()
	s, o := netStore(t, f)
	o.bridges["owners"] = ""
	ctx, nets := t.Context(), s.Networks()
	made := must(nets.Create(ctx, fusion.NetworkSpec{Name: "sw", Kind: fusion.Switched}))(t)
	if made.Bridge != "sw" || made.Kind != fusion.Switched || !o.has("sw") {
		t.Errorf("%+v", made)
	}
	must(nets.Create(ctx, fusion.NetworkSpec{Name: "old", Kind: fusion.Switched, Bridge: "owners"}))(t)
	ok(t, nets.Remove(ctx, "sw"))
	ok(t, nets.Remove(ctx, "old"))
	if o.has("sw") || !o.has("owners") {
		t.Error("the bridge that Hither made stays, or the owner's went")
	}
	must(nets.Create(ctx, fusion.NetworkSpec{Name: "sw", Kind: fusion.Switched}))(t)
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", Network: "sw"}))(t)
	card := must(s.checkNetwork(ctx, "sw", true))(t)
	if card.Driver == nil || card.Driver.Host.CSUM != "off" {
		t.Errorf("a card on a switch in user space leaves its checksums to nobody: %+v", card)
	}
}

func TestMachinesOnANetwork(t *testing.T) {
	f := newFake()
	s, _ := netStore(t, f)
	ctx, nets := t.Context(), s.Networks()
	_, err := s.Create(ctx, fusion.MachineSpec{Name: "m", Network: "lab"})
	refused(t, err, fusion.ErrNotFound)
	must(nets.Create(ctx, fusion.NetworkSpec{Name: "lab", Kind: fusion.NAT}))(t)
	m := must(s.Create(ctx, fusion.MachineSpec{Name: "m", Network: "lab"}))(t)
	text := strings.Replace(f.textsOf(m.UUID).next, `<model type="virtio"`, `<mac address="52:54:00:AA:00:01"/><model type="virtio"`, 1)
	f.write(m.UUID, fakeTexts{next: text})
	events := watch(t, s)
	ok(t, s.Do(ctx, "m", fusion.Start))
	events.await(t, "m running")
	f.mu.Lock()
	f.plugged.leased = []fusion.Lease{{MAC: "52:54:00:bb:00:01", IP: "192.168.101.10"}, {MAC: "52:54:00:aa:00:01", IP: "192.168.101.9", Name: "guest"}}
	f.plugged.seen = map[string]map[string][]string{"lease": {"52:54:00:aa:00:01": {"192.168.101.9"}}, "arp": {"52:54:00:aa:00:01": {"192.168.101.9", "192.168.101.77"}},
		"agent": {"52:54:00:aa:00:01": {"127.0.0.1", "192.168.101.9"}}}
	f.mu.Unlock()
	nics := must(nets.NICs(ctx, "m"))(t)
	want := []fusion.NICAddress{{IP: "192.168.101.9", Source: "lease"}, {IP: "192.168.101.77", Source: "arp"}, {IP: "127.0.0.1", Source: "agent"}}
	if len(nics) != 1 || nics[0].Network != "lab" || nics[0].Kind != "network" || nics[0].Model != "virtio" || !slices.Equal(nics[0].Addresses, want) {
		t.Errorf("%+v", nics)
	}
	leases := must(nets.Leases(ctx, "lab"))(t)
	if len(leases) != 2 || leases[0].Machine != "m" || leases[0].Name != "guest" || leases[1].Machine != "" {
		t.Errorf("%+v", leases)
	}
	lab := must(nets.Get(ctx, "lab"))(t)
	if !slices.Equal(lab.Machines, []string{"m"}) || lab.Leases != 2 {
		t.Errorf("%+v", lab)
	}
	refused(t, nets.Stop(ctx, "lab"), fusion.ErrBusy)
	refused(t, nets.Remove(ctx, "lab"), fusion.ErrBusy)
	_, err = nets.NICs(ctx, fusion.Self)
	refused(t, err, fusion.ErrUnsupported)
	_, err = nets.NICs(ctx, "none")
	refused(t, err, fusion.ErrNotFound)
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	events.await(t, "m off")
	ok(t, nets.Stop(ctx, "lab"))
	refused(t, nets.Remove(ctx, "lab"), fusion.ErrBusy)
	_, err = s.Create(ctx, fusion.MachineSpec{Name: "n", Network: "lab", Start: true})
	refused(t, err, fusion.ErrInvalid)
	ok(t, s.Remove(ctx, "m"))
	ok(t, nets.Remove(ctx, "lab"))
}

// TestHalfANetworkIsSettled: what a node that was killed leaves is whole, or gone, once
// the next one has looked.
func TestHalfANetworkIsSettled(t *testing.T) {
	for name, c := range map[string]struct {
		bridge, defined, starts bool
		whole                   bool
	}{
		"nothing":           {},
		"the bridge":        {bridge: true},
		"not started":       {bridge: true, defined: true, starts: true, whole: true},
		"and does not":      {bridge: true, defined: true},
		"defined, no start": {defined: true, starts: true, whole: true},
	} {
		t.Run(name, func(t *testing.T) {
			f, o := newFake(), &switches{bridges: map[string]string{}}
			config := netConfig(t, f, o, t.TempDir())
			s := must(Open(t.Context(), config))(t)
			i := intent{Op: opNetworkCreate, Name: "sw", UUID: newUUID(), Start: true, Bridge: "sw"}
			_, _, err := s.intend(i)
			ok(t, err)
			if c.bridge {
				ok(t, s.makeSwitch(t.Context(), "sw", i.UUID))
			}
			if c.defined {
				ok(t, f.defineNetwork(must(netxml.New(fusion.NetworkSpec{Name: "sw", Kind: fusion.Switched}, netip.Prefix{}, i.UUID, ""))(t)))
			}
			if !c.starts {
				f.refuses("startNetwork", &driverError{errHypervisor, "no"})
			}
			ok(t, s.Close())
			s = must(Open(t.Context(), config))(t)
			defer closeStore(t, s)
			list := must(s.Networks().List(t.Context()))(t)
			if whole := len(list) == 1 && list[0].Active; whole != c.whole || !c.whole && (len(list) != 0 || o.has("sw")) || pending(t, s) != 0 {
				t.Errorf("networks %+v, bridge %v, %d intents", list, o.has("sw"), pending(t, s))
			}
		})
	}
}

func TestOneKeyMakesOneNetwork(t *testing.T) {
	f := newFake()
	s, _ := netStore(t, f)
	ctx := fusion.WithKey(t.Context(), "k1")
	spec := fusion.NetworkSpec{Name: "lab", Kind: fusion.NAT}
	first := must(s.Networks().Create(ctx, spec))(t)
	if second := must(s.Networks().Create(ctx, spec))(t); second.Subnet != first.Subnet || len(f.plugged.all) != 1 {
		t.Errorf("%+v", f.plugged.all)
	}
	spec.Name = "other"
	_, err := s.Networks().Create(ctx, spec)
	refused(t, err, fusion.ErrInvalid)
}

func TestHostsWithoutNetworks(t *testing.T) {
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: uriOff}))(t)
	defer closeStore(t, s)
	if list, err := s.Networks().List(t.Context()); err != nil || list == nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	_, err := s.Networks().Create(t.Context(), fusion.NetworkSpec{Name: "a", Kind: fusion.NAT})
	refused(t, err, fusion.ErrUnsupported)
	refused(t, s.Networks().Remove(t.Context(), "a"), fusion.ErrNotFound)
	f := newFake()
	lost, _ := netStore(t, f)
	f.refuses("open", errors.New("gone"))
	f.lose()
	eventually(t, "it is lost", func() bool { return !lost.connected() })
	_, err = lost.Networks().List(t.Context())
	refused(t, err, fusion.ErrOffline)
	refused(t, lost.Networks().Remove(t.Context(), "a"), fusion.ErrOffline)
}

func TestReadRoutes(t *testing.T) {
	text := "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\nbad\tline\n"
	want := []route{{netip.MustParsePrefix("192.168.0.0/24"), "eth0"}, {netip.MustParsePrefix("10.0.0.0/8"), "tun0"}}
	if got := parseRoutes(text); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if here := hostRoutes(); !slices.ContainsFunc(here, func(r route) bool { return r.dev == "lo" }) {
		t.Errorf("the loopback is missing: %+v", here)
	}
}

func TestReadNeighbours(t *testing.T) {
	got := seenBy("IP address       HW type     Flags       HW address            Mask     Device\n" +
		"10.9.0.5         0x1         0x2         52:54:00:00:00:01     *        virbr0\n" +
		"10.9.0.6         0x1         0x0         00:00:00:00:00:00     *        virbr0\n")
	if len(got) != 1 || !slices.Equal(got["52:54:00:00:00:01"], []string{"10.9.0.5"}) {
		t.Errorf("%v", got)
	}
}

func FuzzUsernet(f *testing.F) {
	f.Add(`{"return": "Hub -1 (hostnet0)"}`)
	f.Fuzz(func(t *testing.T, text string) {
		proxy.UsernetPort(text, "hostnet0", "tcp", 22)
		_, _ = parseVolume(text)
	})
}
