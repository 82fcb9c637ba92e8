package main

import (
	"testing"

	"hither/fusion"
)

func TestQuestion(t *testing.T) {
	for _, tc := range []struct {
		verb    fusion.Verb
		running []string
		want    string
	}{
		{fusion.Sleep, []string{"win11", "xterm"}, "nas goes to sleep. These stand still until it wakes: win11, xterm. Go on? [y/N]"},
		{fusion.Stop, []string{"win11"}, "nas is switched off. These end: win11. Go on? [y/N]"},
		{fusion.Reboot, nil, "nas restarts. Go on? [y/N]"},
	} {
		if got := question("nas", tc.verb, tc.running); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.verb, got, tc.want)
		}
	}
}
