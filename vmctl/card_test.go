package vmctl

import (
	"context"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/netxml"
)

// TestACardGoesToAnotherNetwork of libvirt's at once, to another kind at the next start.
func TestACardGoesToAnotherNetwork(t *testing.T) {
	f := newFake()
	f.plugged.all = append(f.plugged.all, netxml.Network{UUID: "n3", Name: "lab", Active: true}, netxml.Network{UUID: "n4", Name: "still"})
	s, m := bench(t, f, fusion.MachineSpec{Start: true})
	card := change(t, s, fusion.Change{Kind: fusion.AddNIC, Network: "default"}, fusion.Now).Part
	set := fusion.Change{Kind: fusion.SetNIC, NIC: strings.ToUpper(card), Network: "lab"}
	if done := change(t, s, set, fusion.Now); done.Part != card {
		t.Errorf("%+v", done)
	}
	if p := parts(t, s); p.Pending || len(p.NICs) != 2 || p.NICs[1].Network != "lab" || p.NICs[1].MAC != card || p.NICs[1].NextNetwork != "" {
		t.Errorf("%+v", p)
	}
	f.refuses("live update", &driverError{fusion.ErrUnsupported, "unable to change config on 'network' network type"})
	set.Network = fusion.UserNetwork
	if done := change(t, s, set, fusion.NextStart); !strings.Contains(done.Note, "unable to change config") {
		t.Errorf("the note is %q", done.Note)
	}
	if p := parts(t, s); !p.Pending || len(p.NICs) != 2 || p.NICs[1].Network != "lab" || p.NICs[1].NextNetwork != "user" {
		t.Errorf("%+v", p)
	}
	set.Network = "lab"
	change(t, s, set, fusion.Now) // it is there still
	if p := parts(t, s); p.Pending {
		t.Errorf("%+v", p)
	}
	const mac = "52:54:00:0a:0b:0c"
	before := f.textsOf(m.UUID)
	for what, c := range map[string]struct {
		change fusion.Change
		cause  error
	}{
		"its address while it runs": {fusion.Change{Kind: fusion.SetNIC, NIC: card, MAC: mac, Network: "default"}, fusion.ErrInvalid},
		"a network that is off":     {fusion.Change{Kind: fusion.SetNIC, NIC: card, Network: "still"}, fusion.ErrNotFound},
		"its own for another card":  {fusion.Change{Kind: fusion.AddNIC, MAC: card}, fusion.ErrExists},
	} {
		_, err := s.Change(t.Context(), "m", c.change)
		t.Log(what, err)
		refused(t, err, c.cause)
	}
	if f.textsOf(m.UUID) != before {
		t.Error("what was refused changed it")
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "other", MemoryBytes: 64 << 20}))(t)
	theirs := must(s.Change(t.Context(), "other", fusion.Change{Kind: fusion.AddNIC, MAC: "52-54-00-0D-0E-0F"}))(t).Part
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.SetNIC, NIC: card, MAC: theirs})
	refused(t, err, fusion.ErrExists)
	if !strings.Contains(err.Error(), "other") {
		t.Error(err)
	}
	if done := change(t, s, fusion.Change{Kind: fusion.SetNIC, NIC: card, MAC: strings.ToUpper(mac), Network: fusion.UserNetwork}, fusion.Now); done.Part != mac {
		t.Errorf("%+v", done)
	}
	if p := parts(t, s); p.Pending || len(p.NICs) != 2 || p.NICs[1].MAC != mac || p.NICs[1].Network != "user" || strings.Contains(f.textsOf(m.UUID).next, "<source network") {
		t.Errorf("%+v of %s", p, f.textsOf(m.UUID).next)
	}
}

// TestACardOnASwitchInUserSpace leaves no checksums to hardware: one that does waits for its
// machine's next start.
func TestACardOnASwitchInUserSpace(t *testing.T) {
	f := newFake()
	f.plugged.all = append(f.plugged.all, netxml.Network{UUID: "n3", Name: "floor", Active: true, Info: netxml.Info{Kind: fusion.Switched, Bridge: "ovs0"}})
	s, m := bench(t, f, fusion.MachineSpec{Start: true})
	s.config.ovs = func(context.Context, ...string) (string, error) { return `"netdev"`, nil }
	card := change(t, s, fusion.Change{Kind: fusion.AddNIC, Network: "default"}, fusion.Now).Part
	done := change(t, s, fusion.Change{Kind: fusion.SetNIC, NIC: card, Network: "floor"}, fusion.NextStart)
	texts := f.textsOf(m.UUID)
	if !strings.Contains(done.Note, "checksums") || strings.Contains(texts.now, "floor") || !strings.Contains(texts.next, `<host csum="off"`) {
		t.Errorf("%+v: %s", done, texts.next)
	}
	change(t, s, fusion.Change{Kind: fusion.AddNIC, Network: "floor"}, fusion.Now)
	if now := f.textsOf(m.UUID).now; strings.Count(now, `<host csum="off"`) != 1 {
		t.Errorf("it runs as %s", now)
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	if p := parts(t, s); p.Pending || p.NICs[1].Network != "floor" {
		t.Errorf("%+v", p)
	}
}
