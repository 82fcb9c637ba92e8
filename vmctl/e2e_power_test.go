//go:build linux && e2e

package vmctl

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"hither/fusion"
	"hither/internal/logind"
)

// TestLogind speaks to a real system bus whose login manager is the test's: no
// computer is switched.
func TestLogind(t *testing.T) {
	manager := logind.Start(t)
	p := SystemPower()
	can := p.Can(t.Context())
	for _, verb := range fusion.PowerVerbs {
		if can[verb] != "" {
			t.Errorf("%s: %s", verb, can[verb])
		}
		ok(t, p.Do(t.Context(), verb))
	}
	if got := strings.Join(manager.Asked(), " "); got != "Suspend(false) Reboot(false) PowerOff(false)" {
		t.Errorf("asked for %s", got)
	}
	for answer, word := range map[string]string{"na": "hardware", "no": "account", "challenge": "password", "inhibitor-blocked": "program"} {
		manager.Answer("Suspend", answer)
		if why := p.Can(t.Context())[fusion.Sleep]; !strings.Contains(why, word) {
			t.Errorf("%s: %q", answer, why)
		}
	}
	for name, cause := range map[string]error{
		"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": fusion.ErrPermission,
		"org.freedesktop.DBus.Error.AccessDenied":                     fusion.ErrPermission,
		"org.freedesktop.login1.OperationInProgress":                  fusion.ErrBusy,
		"org.freedesktop.login1.BlockedByInhibitorLock":               fusion.ErrBusy,
		"org.freedesktop.login1.SleepVerbNotSupported":                fusion.ErrUnsupported,
	} {
		manager.Fail(name)
		refused(t, p.Do(t.Context(), fusion.Reboot), cause)
	}
	manager.Fail("org.example.Odd")
	if err := p.Do(t.Context(), fusion.Stop); err == nil || !strings.Contains(err.Error(), "no, says the test") {
		t.Errorf("an odd error: %v", err)
	}
}

func TestNoLogind(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	for verb, why := range SystemPower().Can(t.Context()) {
		if why != noLogind {
			t.Errorf("%s: %q", verb, why)
		}
	}
	refused(t, SystemPower().Do(t.Context(), fusion.Stop), fusion.ErrUnsupported)
}

// TestGoingIsHeard: whoever puts the computer to sleep, its Store says so, and the
// system waits until it has.
func TestGoingIsHeard(t *testing.T) {
	manager := logind.Start(t)
	told := make(chan fusion.Away, 16)
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: uriOff, Power: SystemPower(),
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
