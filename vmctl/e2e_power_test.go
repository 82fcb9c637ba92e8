//go:build linux && e2e

package vmctl

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"hither/fusion"
	"hither/internal/logind"
	"hither/vmctl/power"
)

// TestGoingIsHeard: whoever puts the computer to sleep, its Store says so, and the
// system waits until it has.
func TestGoingIsHeard(t *testing.T) {
	manager := logind.Start(t)
	told := make(chan fusion.Away, 16)
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: uriOff, Power: power.System(),
		Going: func(_ context.Context, away fusion.Away) { told <- away }}))(t)
	t.Cleanup(func() { closeStore(t, s) })
	self := must(s.Get(t.Context(), fusion.Self))(t)
	if !slices.Equal(self.Verbs, fusion.PowerVerbs) {
		t.Errorf("self can %v", self.Verbs)
	}
	hears := func(want fusion.Away) {
		t.Helper()
		select {
		case got := <-told:
			if got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%q was not told", want)
		}
	}
	manager.Locked(t, 1)
	manager.Emit(t, "PrepareForSleep", true)
	hears(fusion.Asleep)
	manager.Released(t, 1)
	manager.Emit(t, "PrepareForSleep", false)
	hears("")
	manager.Locked(t, 2)
	manager.Emit(t, "PrepareForShutdownWithMetadata", true, map[string]dbus.Variant{"type": dbus.MakeVariant("reboot")})
	manager.Emit(t, "PrepareForShutdown", true)
	hears(fusion.Restarting)
	manager.Released(t, 2)
	manager.Emit(t, "PrepareForShutdown", false) // somebody thought better of it
	hears("")
	manager.Locked(t, 3)
	manager.Emit(t, "PrepareForShutdown", true)
	hears(fusion.PoweredOff)
	manager.Released(t, 3)
	if len(told) > 0 {
		t.Errorf("and told %q", <-told)
	}
}
