package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hither/fusion"
)

var silent = slog.New(slog.DiscardHandler)

func TestWhatHostsSaidIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heard.json")
	h := openHeard(path, silent)
	card := fusion.Card{Name: "eth0", MAC: "52:54:00:00:00:01", Nets: []string{"192.0.2.1/24"}, Wake: "on"}
	h.learn("A", fusion.HostInfo{Roles: []string{"queen", "router", "compute"}, May: []string{"admin", "everything"},
		Cards: []fusion.Card{card, {Name: "bad", MAC: "ff:ff:ff:ff:ff:ff"}}})
	h.learn("B", fusion.HostInfo{})
	h.going("A", fusion.Asleep)
	h = openHeard(path, silent)
	got := h.get("A")
	if !slices.Equal(got.Roles, []string{"compute", "router"}) || !slices.Equal(got.May, []string{"admin"}) || got.Away != fusion.Asleep ||
		len(got.Cards) != 1 || fmt.Sprint(got.Cards[0]) != fmt.Sprint(card) {
		t.Errorf("kept %+v", got)
	}
	h.learn("A", fusion.HostInfo{Roles: []string{"compute"}})
	if got := h.get("A"); got.Away != fusion.Asleep || len(got.Cards) > 0 {
		t.Errorf("learned %+v", got)
	}
	h.forget("A")
	h = openHeard(path, silent)
	if got := h.get("A"); got.Away != "" {
		t.Errorf("after it was forgotten: %+v", got)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	h = openHeard(path, silent)
	h.going("B", fusion.PoweredOff)
	if got := openHeard(path, silent).get("B"); got.Away != fusion.PoweredOff {
		t.Errorf("after a broken file: %+v", got)
	}
}

func TestRolesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "roles.json")
	open := func() *roles {
		t.Helper()
		r, err := openRoles(path)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := open()
	if got := r.get(); got == nil || len(got) > 0 {
		t.Errorf("a new computer is for %v", got)
	}
	if _, err := r.change([]string{"storage"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.change([]string{"queen"}, nil); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if got := open().get(); !slices.Equal(got, []string{"storage"}) {
		t.Errorf("kept %v", got)
	}
	if err := os.WriteFile(path, []byte(`["storage","of another release"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := open().get(); !slices.Equal(got, []string{"storage"}) {
		t.Errorf("read %v", got)
	}
	if err := os.WriteFile(path, []byte(`{`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openRoles(path); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
		t.Errorf("a broken file: %v", err)
	}
}

// A key stands for one host, whatever a later choice would be, also after a restart.
func TestPlacesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "placed.json")
	p, err := openPlaced(path)
	if err != nil {
		t.Fatal(err)
	}
	on := func(host string) fusion.Placement {
		both := []fusion.Candidate{{Host: "a", ID: "A"}, {Host: "b", ID: "B"}}
		return fusion.Placement{Host: host, ID: fusion.HostID(map[string]string{"a": "A", "b": "B"}[host]), Candidates: both}
	}
	if got, err := p.take("", on("a"), "m"); err != nil || got.Host != "a" || len(p.all) > 0 {
		t.Errorf("without a key: %+v, %v", got, err)
	}
	if got, err := p.take("k", on("a"), "m"); err != nil || got.Host != "a" || got.Again {
		t.Errorf("the first: %+v, %v", got, err)
	}
	if got, err := p.take("k", on("b"), "m"); err != nil || got.Host != "a" || !got.Again {
		t.Errorf("the second: %+v, %v", got, err)
	}
	if p, err = openPlaced(path); err != nil {
		t.Fatal(err)
	}
	if host, name, known := p.get("k"); host != "A" || name != "m" || !known {
		t.Errorf("after a restart: %s %s %v", host, name, known)
	}
	if _, _, known := p.get(""); known {
		t.Error("no key is known")
	}
	p.all["old"] = chosen{Host: "A", At: time.Now().Add(-2 * placedAge)}
	for i := range maxPlaced {
		p.all[fmt.Sprint(i)] = chosen{Host: "A", At: time.Now()}
	}
	if _, err := p.take("new", on("b"), "n"); err != nil {
		t.Fatal(err)
	}
	if _, _, known := p.get("old"); known {
		t.Error("what is old stays")
	}
	if _, _, known := p.get("new"); !known || len(p.all) > maxPlaced+1 {
		t.Errorf("%d are kept", len(p.all))
	}
}

// What this computer may do on a host decides what is offered of that; a change is told.
func TestTheTableOffersWhatIsAllowed(t *testing.T) {
	table := newTable()
	cloud := fusion.HostInfo{ID: "B", Name: "cloud", May: []string{"view"}}
	table.setHost(cloud)
	table.put("B", fusion.Event{Kind: fusion.EventMachine, Machine: &fusion.Machine{Name: fusion.Self, Kind: fusion.KindSelf,
		Verbs: []fusion.Verb{fusion.Sleep}}})
	var told []int
	for e, err := range table.watch(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Machine == nil {
			continue
		}
		if told = append(told, len(e.Machine.Verbs)); len(told) == 2 {
			break
		}
		cloud.May = []string{"admin"}
		table.setHost(cloud)
	}
	if !slices.Equal(told, []int{0, 1}) {
		t.Errorf("verbs that were told: %v", told)
	}
	if !table.hasMachine("B", fusion.Self) || table.hasMachine("B", "none") || table.hasMachine("C", fusion.Self) {
		t.Error("hasMachine")
	}
}
