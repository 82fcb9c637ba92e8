//go:build linux && e2e

package app

import (
	"errors"
	"slices"
	"testing"

	"hither/app/api"
	"hither/fusion"
	"hither/internal/logind"
)

var _ api.Computers = (*Node)(nil)

// TestAComputerGoesAndSaysWhy puts another node's computer to sleep through a login
// manager that only notes it. The other sees why it is offline, also after a restart
// of its own node.
func TestAComputerGoesAndSaysWhy(t *testing.T) {
	manager := logind.Start(t)
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	host := resolved(t, here, "cloud")
	waitFor(t, "cloud's word on what may be done there", func() bool { return slices.Equal(infoOf(t, here, "cloud").May, []string{"admin"}) })
	self, err := host.Machines().Get(t.Context(), fusion.Self)
	if err != nil || !slices.Equal(self.Verbs, fusion.PowerVerbs) {
		t.Fatalf("cloud can %v, %v", self.Verbs, err)
	}
	manager.Answer("PowerOff", "challenge")
	if err := host.Machines().Do(t.Context(), fusion.Self, fusion.Stop); !errors.Is(err, fusion.ErrUnsupported) {
		t.Errorf("what it cannot: %v", err)
	}
	if err := host.Machines().Do(t.Context(), fusion.Self, fusion.Sleep); err != nil {
		t.Fatal(err)
	}
	if got := manager.Asked(); !slices.Equal(got, []string{"Suspend(false)"}) {
		t.Errorf("logind was asked for %v", got)
	}
	if info := infoOf(t, here, "cloud"); info.Away != "" {
		t.Errorf("it is online and %s", info.Away)
	}
	if err := cloud.network.Close(); err != nil { // it sleeps
		t.Fatal(err)
	}
	waitFor(t, "cloud asleep", func() bool { return infoOf(t, here, "cloud").Away == fusion.Asleep })
	if got := openHeard(here.home.Sub("heard.json"), silent).get(cloud.network.ID()); got.Away != fusion.Asleep {
		t.Errorf("after a restart it is %q", got.Away)
	}
}

// TestGrantsDecideAboutPower: what here may do on cloud is told, and changes at once
// what is offered.
func TestGrantsDecideAboutPower(t *testing.T) {
	logind.Start(t)
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	offered := func() []fusion.Verb {
		for e, err := range here.Watch(t.Context(), cloud.network.ID()) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind == fusion.EventReady {
				return nil
			}
			if e.Machine != nil && e.Machine.Name == fusion.Self {
				return e.Machine.Verbs
			}
		}
		return nil
	}
	waitFor(t, "the power of cloud", func() bool { return slices.Equal(offered(), fusion.PowerVerbs) })
	for _, grants := range [][]fusion.Grant{fusion.Whole(fusion.ViewCap, fusion.ControlCap), fusion.Whole(fusion.AdminCap)} {
		if _, err := cloud.Grant(t.Context(), here.network.ID(), grants); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "another offer", func() bool { return (len(offered()) > 0) == fusion.Allows(grants, fusion.AdminCap) })
	}
}

// TestRolesAndPlacement: a role is set from afar and told; a machine goes where the
// role is, a key stands for that, and what it may not do is not asked.
func TestRolesAndPlacement(t *testing.T) {
	logind.Start(t)
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	if _, err := resolved(t, here, "cloud").SetRoles(t.Context(), []string{fusion.ComputeRole}, nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the role", func() bool { return slices.Equal(infoOf(t, here, "cloud").Roles, []string{fusion.ComputeRole}) })
	spec := fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20}
	ctx := fusion.WithKey(t.Context(), "key-1")
	p, err := here.Place(ctx, spec)
	if err != nil || p.Host != "cloud" || p.Again || len(p.Candidates) != 2 {
		t.Fatalf("placed %+v, %v", p, err)
	}
	if _, err := resolved(t, here, "cloud").SetRoles(t.Context(), []string{fusion.StorageRole}, []string{fusion.ComputeRole}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the other role", func() bool { return slices.Equal(infoOf(t, here, "cloud").Roles, []string{fusion.StorageRole}) })
	for range 2 {
		if p, err = here.Place(ctx, spec); err != nil || p.Host != "cloud" || !p.Again {
			t.Errorf("with the key: %+v, %v", p, err)
		}
		m, err := resolved(t, here, p.Host).Machines().Create(ctx, spec)
		if err != nil || m.Name != "m" {
			t.Fatalf("create: %+v, %v", m, err)
		}
	}
	if p, err = here.Place(t.Context(), fusion.MachineSpec{Name: "n", MemoryBytes: 64 << 20}); err != nil || p.Host != "here" {
		t.Errorf("another machine: %+v, %v", p, err)
	}
	if _, err := here.Place(ctx, fusion.MachineSpec{Name: "n"}); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("the key for another machine: %v", err)
	}
	waitFor(t, "the machine", func() bool { return here.whoHas("m") == "cloud" })
	if _, err := here.Place(t.Context(), spec); !errors.Is(err, fusion.ErrExists) {
		t.Errorf("the name again: %v", err)
	}
	if _, err := cloud.Grant(t.Context(), here.network.ID(), fusion.Whole(fusion.ViewCap)); err != nil {
		t.Fatal(err)
	}
	big := fusion.MachineSpec{Name: "big", MemoryBytes: 1 << 50}
	waitFor(t, "the grant", func() bool {
		p, err = here.Place(t.Context(), big)
		return err == nil && slices.ContainsFunc(p.Candidates, func(c fusion.Candidate) bool { return c.Why == fusion.UnfitGrant })
	})
	if p.Host != "" {
		t.Errorf("too large, and placed on %s", p.Host)
	}
}

func infoOf(t *testing.T, n *Node, name string) fusion.HostInfo {
	t.Helper()
	_, info, err := n.Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
