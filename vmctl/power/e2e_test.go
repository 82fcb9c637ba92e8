//go:build linux && e2e

package power

import (
	"strings"
	"testing"

	"hither/fusion"
	"hither/internal/expect"
	"hither/internal/logind"
)

// TestLogind speaks to a real system bus whose login manager is the test's: no
// computer is switched.
func TestLogind(t *testing.T) {
	manager := logind.Start(t)
	p := System()
	can := p.Can(t.Context())
	for _, verb := range fusion.PowerVerbs {
		if can[verb] != "" {
			t.Errorf("%s: %s", verb, can[verb])
		}
		expect.OK(t, p.Do(t.Context(), verb))
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
		expect.Refused(t, p.Do(t.Context(), fusion.Reboot), cause)
	}
	manager.Fail("org.example.Odd")
	if err := p.Do(t.Context(), fusion.Stop); err == nil || !strings.Contains(err.Error(), "no, says the test") {
		t.Errorf("an odd error: %v", err)
	}
}

func TestNoLogind(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	for verb, why := range System().Can(t.Context()) {
		if why != noLogind {
			t.Errorf("%s: %q", verb, why)
		}
	}
	expect.Refused(t, System().Do(t.Context(), fusion.Stop), fusion.ErrUnsupported)
}
