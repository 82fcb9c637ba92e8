//go:build e2e && linux

package app

import (
	"errors"
	"os/exec"
	"testing"

	"hither/fusion"
	"hither/fusion/hosttest"
	"hither/internal/xserver"
)

// TestMonitorsOfADesktop runs the contract on a computer with two monitors, also
// from another node.
func TestMonitorsOfADesktop(t *testing.T) {
	x := xserver.Start(t, "-screen", "0", "800x600x24")
	t.Setenv("DISPLAY", x.Display)
	xrandr := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("xrandr", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	xrandr("--setmonitor", "*HDMI A/1", "500/125x600/150+0+0", "screen")
	xrandr("--setmonitor", "DP-2", "300/75x400/100+500+100", "none")
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	options := hosttest.Options{Monitor: true, Monitors: true, Patience: patience}
	for name, host := range map[string]fusion.Host{"local": resolved(t, cloud, ""), "remote": resolved(t, here, "cloud")} {
		t.Run(name, func(t *testing.T) {
			hosttest.Run(t, options, func(*testing.T) (fusion.Host, fusion.HostID) { return host, here.network.ID() })
			list, err := host.Screens().List(t.Context(), fusion.Self)
			if err != nil || len(list) != 3 || list[1].Title != "HDMI-A-1, 500×600, primary" || list[2].Name != "self/DP-2" {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
	xrandr("--delmonitor", "DP-2")
	screens := resolved(t, here, "cloud").Screens()
	if list, err := screens.List(t.Context(), fusion.Self); err != nil || len(list) != 1 {
		t.Errorf("with one monitor: %+v, %v", list, err)
	}
	if _, err := screens.Open(t.Context(), "self/DP-2", fusion.ViewOptions{}); !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
		t.Error(err)
	}
	pipe, err := screens.Open(t.Context(), "self/HDMI-A-1", fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
}
