package main

import (
	"testing"

	"hither/fusion"
)

func TestTheFirstMonitorHasTheSound(t *testing.T) {
	list := []fusion.Screen{
		{Name: "self", Machine: "self", Kind: fusion.ScreenMonitor},
		{Name: "self/HDMI-1", Machine: "self", Kind: fusion.ScreenMonitor},
		{Name: "self/DP-2", Machine: "self", Kind: fusion.ScreenMonitor},
		{Name: "self/xterm-1", Machine: "self", Kind: fusion.ScreenApp},
	}
	for at, want := range []bool{true, true, false, true} {
		if sounds(list, at) != want {
			t.Errorf("%s begins with sound: %v", list[at].Name, !want)
		}
	}
}
