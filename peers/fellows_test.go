package peers

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hither/fusion"
)

// own says whether one computer has another as its owner's, online.
func own(n, other *Network) func() bool {
	return func() bool {
		id, err := peerID(other.ID())
		if err != nil {
			return false
		}
		r, ok := n.store.get(id)
		return ok && r.Own && online(n, other.ID())()
	}
}

// family opens computers of which each is paired with the one before.
func family(t *testing.T, names ...string) (all []*Network) {
	t.Helper()
	for i, name := range names {
		all = append(all, openTest(t, testConfig(t, name)))
		if i > 0 {
			pair(t, all[i-1], all[i])
		}
	}
	for _, a := range all {
		for _, b := range all {
			if a != b {
				until(t, a.Name()+" has "+b.Name(), own(a, b))
			}
		}
	}
	return all
}

func TestEachOfTheOwnersKnowsAll(t *testing.T) {
	all := family(t, "nas", "laptop", "cloud", "desk")
	for _, n := range all {
		for _, p := range n.Peers() {
			if !slices.Contains(p.Grants, fusion.Grant{Cap: fusion.AdminCap}) {
				t.Errorf("%s gives %s only %v", n.Name(), p.Name, p.Grants)
			}
		}
		info, err := os.Stat(filepath.Join(n.cfg.Dir, "owner.json"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
	}
}

// TestPairedTwice: a pairing by hand of two who know each other by the list changes nothing.
func TestPairedTwice(t *testing.T) {
	all := family(t, "nas", "laptop", "cloud")
	pair(t, all[0], all[2])
	until(t, "they are still one owner's", func() bool { return own(all[0], all[2])() && own(all[2], all[0])() })
}

func TestForgottenByOneIsForgottenByAll(t *testing.T) {
	all := family(t, "nas", "laptop", "cloud")
	nas, laptop, cloud := all[0], all[1], all[2]
	if err := nas.Forget(testContext(t), cloud.ID()); err != nil {
		t.Fatal(err)
	}
	until(t, "the laptop forgets it too", func() bool { return len(laptop.Peers()) == 1 && len(nas.Peers()) == 1 })
	refusing := func(other *Network) func() bool {
		return func() bool { p, err := cloud.Lookup(string(other.ID())); return err == nil && p.Refused && !p.Online }
	}
	until(t, "both refuse it", func() bool { return refusing(nas)() && refusing(laptop)() })
	// It comes back by hand, for all.
	pair(t, laptop, cloud)
	for _, a := range all {
		for _, b := range all {
			if a != b {
				until(t, a.Name()+" has "+b.Name()+" again", own(a, b))
			}
		}
	}
}

// TestWhoWasAwayHears: a computer that was off learns of who came and who went.
func TestWhoWasAwayHears(t *testing.T) {
	all := family(t, "nas", "laptop", "old")
	nas, laptop, old := all[0], all[1], all[2]
	cfg := laptop.cfg
	if err := laptop.Close(); err != nil {
		t.Fatal(err)
	}
	if err := nas.Forget(testContext(t), old.ID()); err != nil {
		t.Fatal(err)
	}
	fresh := openTest(t, testConfig(t, "fresh"))
	pair(t, nas, fresh)
	until(t, "the new one has the nas", own(fresh, nas))
	again := openTest(t, Config{Dir: cfg.Dir, Name: cfg.Name, Listen: cfg.Listen, NoMDNS: true, Log: cfg.Log})
	until(t, "it knows the new one", own(again, fresh))
	until(t, "and is known to it", own(fresh, again))
	until(t, "it has forgotten the old one", func() bool { _, err := again.Lookup(string(old.ID())); return err != nil })
}

// TestAGuestIsNobodysOwn: who was granted less than everything, either way, joins no list.
func TestAGuestIsNobodysOwn(t *testing.T) {
	nas, guest, third := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "guest")), openTest(t, testConfig(t, "third"))
	pairAsGuest(t, nas, guest)
	pair(t, nas, third)
	until(t, "the nas and the third are one owner's", func() bool { return own(nas, third)() && own(third, nas)() })
	if len(guest.Peers()) != 1 || len(third.Peers()) != 1 || guest.owner.State().Owner != nil {
		t.Errorf("the guest has %v, the third %v", guest.Peers(), third.Peers())
	}
}

// TestTwoOwnersWhoPairStayTwo: each keeps its own list, and both have admin.
func TestTwoOwnersWhoPairStayTwo(t *testing.T) {
	mine, yours := family(t, "nas", "laptop"), family(t, "box", "phone")
	pair(t, mine[0], yours[0])
	until(t, "they see each other", func() bool { return online(mine[0], yours[0].ID())() && online(yours[0], mine[0].ID())() })
	if err := mine[0].introduce(mine[0].host.Network().ConnsToPeer(yours[0].host.ID())[0]); err == nil {
		t.Error("nothing is said of it")
	}
	if len(mine[1].Peers()) != 1 || len(yours[1].Peers()) != 1 {
		t.Errorf("%v, %v", mine[1].Peers(), yours[1].Peers())
	}
}
