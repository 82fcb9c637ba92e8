package fusion

import (
	"errors"
	"slices"
	"testing"
)

func TestOffered(t *testing.T) {
	self := Machine{Name: Self, Kind: KindSelf, Verbs: []Verb{Sleep, Stop}, Cannot: []Refusal{{Reboot, "broken"}}}
	for _, tc := range []struct {
		what string
		host HostInfo
		can  []Verb
	}{
		{"this computer", HostInfo{Local: true}, []Verb{Sleep, Stop}},
		{"admin there", HostInfo{May: []string{"admin"}}, []Verb{Sleep, Stop}},
		{"a host that does not tell", HostInfo{}, []Verb{Sleep, Stop}},
		{"control there", HostInfo{May: []string{"view", "control"}}, []Verb{}},
	} {
		got := self.Offered(tc.host)
		if !slices.Equal(got.Verbs, tc.can) || got.Verbs == nil {
			t.Errorf("%s: it can %v, want %v", tc.what, got.Verbs, tc.can)
		}
		if len(got.Verbs)+len(got.Cannot) != len(PowerVerbs) {
			t.Errorf("%s: a verb is missing in %+v", tc.what, got)
		}
	}
	vm := Machine{Name: "vm", Kind: KindVM, Verbs: []Verb{Stop}}
	if got := vm.Offered(HostInfo{May: []string{"control"}}); len(got.Verbs) != 1 {
		t.Errorf("a virtual machine has %+v", got)
	}
	if len(self.Cannot) != 1 {
		t.Error("the machine itself was changed")
	}
}

func TestAway(t *testing.T) {
	for _, verb := range PowerVerbs {
		if away := verb.Away(); away == "" || away.Check() != nil {
			t.Errorf("%s leads to %q", verb, away)
		}
	}
	if Start.Away() != "" {
		t.Error("a start leads away")
	}
	if err := Away("<script>").Check(); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
		t.Errorf("got %v", err)
	}
}
