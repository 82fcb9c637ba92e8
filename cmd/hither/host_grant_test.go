package main

import (
	"slices"
	"strings"
	"testing"
)

func TestGrants(t *testing.T) {
	for _, c := range []struct{ words, present, want string }{
		{"view files", "apps", "view files"},
		{"view view", "", "view"},
		{"none", "view apps", ""},
		{"+files", "view apps", "view apps files"},
		{"+view", "view", "view"},
		{"-apps", "view apps", "view"},
		{"+files -view", "view", "files"},
		{"-control", "", ""},
		{"-files", "admin", "view control machines apps microphone tunnel mesh"},
		{"-admin", "view admin", "view"},
		{"+view", "admin", "admin view"},
	} {
		change, err := parseGrants(strings.Fields(c.words))
		if err != nil {
			t.Errorf("%s: %v", c.words, err)
			continue
		}
		if got := change.apply(strings.Fields(c.present)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s to %q gives %q, want %q", c.words, c.present, got, c.want)
		}
	}
	for _, words := range []string{"view +files", "-view files", "none view", "+none", "+", "++view", "everything"} {
		if _, err := parseGrants(strings.Fields(words)); exitCode(err) != exitUsage {
			t.Errorf("%s: %v", words, err)
		}
	}
}
