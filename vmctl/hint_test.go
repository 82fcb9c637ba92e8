package vmctl

import (
	"strings"
	"testing"

	"hither/fusion"
)

// TestHintsNameNoMachine: the one who asks may be at another computer, where the
// machine has another name.
func TestHintsNameNoMachine(t *testing.T) {
	f := newFake()
	f.put(vm("1", "m1", fusion.Off))
	f.put(vm("2", "m2", fusion.Running))
	s := store(t, f)
	ctx := t.Context()
	_, notThere := s.Get(ctx, "m3")
	_, off := s.Screenshot(ctx, "m1")
	_, self := s.OpenConsole(ctx, fusion.Self)
	for want, err := range map[string]error{
		"hither machine ls shows the machines there are": notThere,
		"start it first":     off,
		"open its desktop":   self,
		"force it off first": s.Remove(ctx, "m2"),
		"now it can: stop, force off, pause, reboot, save": s.Do(ctx, "m2", fusion.Start),
		"now it can: start":                       s.Do(ctx, "m1", fusion.Stop),
		"open its desktop and use the menu there": s.Do(ctx, fusion.Self, fusion.Stop),
	} {
		if hint := fusion.Hint(err); hint != want || strings.Contains(hint, "[") {
			t.Errorf("%v: hint %q, want %q", err, hint, want)
		}
	}
}
