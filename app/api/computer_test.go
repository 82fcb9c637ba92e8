package api

import (
	"errors"
	"slices"
	"testing"

	"hither/app/client"
	"hither/fusion"
)

// Control of a computer's virtual machines is not control of its power.
func TestPowerOfAComputerNeedsAdmin(t *testing.T) {
	s := newScene(t)
	host := hostOf(s.peer("laptop"), "")
	s.node.grant("laptop", fusion.ControlCap, fusion.MachinesCap)
	for _, verb := range append(slices.Clone(fusion.PowerVerbs), fusion.ForceOff) {
		err := host.Machines().Do(t.Context(), fusion.Self, verb)
		if !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) != "on cloud: hither host grant laptop +admin" {
			t.Errorf("%s: got %v (hint %q)", verb, err, fusion.Hint(err))
		}
	}
	if err := host.Machines().Do(t.Context(), "none", fusion.Stop); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("a virtual machine: got %v", err)
	}
	s.node.grant("laptop", fusion.AdminCap)
	if err := host.Machines().Do(t.Context(), fusion.Self, fusion.Sleep); err != nil {
		t.Errorf("with admin: %v", err)
	}
}

// Each computer is told what it may do here, and the cards of one it may control.
func TestWhatAComputerIsToldOfThisOne(t *testing.T) {
	s := newScene(t)
	host := hostOf(s.peer("laptop"), "")
	for _, tc := range []struct {
		grant fusion.Capability
		cards int
	}{{fusion.ViewCap, 0}, {fusion.ControlCap, 1}, {fusion.AdminCap, 1}} {
		s.node.grant("laptop", tc.grant)
		info, err := host.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range host.Watch(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Host != nil {
				if !slices.Equal(e.Host.May, []string{string(tc.grant)}) || len(e.Host.Cards) != tc.cards {
					t.Errorf("an event for %s: may %v, cards %v", tc.grant, e.Host.May, e.Host.Cards)
				}
				break
			}
		}
		if !slices.Equal(info.May, []string{string(tc.grant)}) {
			t.Errorf("for %s: may %v", tc.grant, info.May)
		}
	}
}

func TestAComputerSpeaksOfItselfOnly(t *testing.T) {
	s := newScene(t)
	dial := s.peer("laptop")
	c := client.New(dial, dial)
	if err := c.Going(t.Context(), "cloud", fusion.Asleep); !errors.Is(err, fusion.ErrUnpaired) || fusion.Hint(err) == "" {
		t.Errorf("unpaired: %v", err)
	}
	s.node.grant("laptop") // it may do nothing, and is paired
	if err := c.Going(t.Context(), "cloud", fusion.Asleep); err != nil {
		t.Error(err)
	}
	if err := c.Going(t.Context(), "cloud", "<b>"); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("nonsense: %v", err)
	}
	owner := s.owner()
	if err := client.New(owner, owner).Going(t.Context(), "cloud", fusion.Asleep); err == nil {
		t.Error("the owner's programs say that a computer goes")
	}
	if len(s.node.went) == 0 || s.node.went[0] != "laptop asleep" {
		t.Errorf("the node heard %q", s.node.went)
	}
}
