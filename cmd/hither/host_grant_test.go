package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

func TestGrants(t *testing.T) {
	now := time.Date(2026, 12, 4, 10, 0, 0, 0, time.UTC)
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
		{"machines@web,until=8h", "", "machines@web,until=2026-12-04T18:00:00Z"},
		{"+machines@web,until=2026-12-04", "machines@web machines@db", "machines@web,until=2026-12-05T00:00:00Z machines@db"},
		{"+view@web", "view@web,until=2026-12-04T18:00:00Z", "view@web"},
		{"view,until=3d", "", "view,until=2026-12-07T10:00:00Z"},
		{"-machines@web", "machines@web,until=2026-12-04T18:00:00Z machines@db", "machines@db"},
		{"-machines", "machines@web machines view@web", "view@web"},
		{"-apps@self", "apps@self/maps apps@web/maps", "apps@web/maps"},
		{"-files", "admin,until=2026-12-04T18:00:00Z", "view,until=2026-12-04T18:00:00Z control,until=2026-12-04T18:00:00Z machines,until=2026-12-04T18:00:00Z apps,until=2026-12-04T18:00:00Z microphone,until=2026-12-04T18:00:00Z tunnel,until=2026-12-04T18:00:00Z mesh,until=2026-12-04T18:00:00Z"},
		{"+view", "fly@web", "fly@web view"},
	} {
		change, err := parseGrants(strings.Fields(c.words), now)
		if err != nil {
			t.Errorf("%s: %v", c.words, err)
			continue
		}
		if got, err := change.apply(strings.Fields(c.present)); err != nil || !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s to %q gives %q, %v, want %q", c.words, c.present, got, err, c.want)
		}
	}
	for _, words := range []string{"view +files", "-view files", "none view", "+none", "+", "++view", "everything", "admin@web", "machines@web/maps",
		"view@", "view@a/b/c", "view@..", "view,until=friday", "view,until=-8h", "view,until=0d", "view,until=", "-view,until=8h", "view,before=8h"} {
		if _, err := parseGrants(strings.Fields(words), now); exitCode(err) != exitUsage {
			t.Errorf("%s: %v", words, err)
		}
	}
	for words, present := range map[string]string{"-machines@web": "machines", "-apps@self/maps": "apps@self", "-control@web": "admin"} {
		change, err := parseGrants(strings.Fields(words), now)
		if err != nil {
			t.Fatal(err)
		}
		if set, err := change.apply(strings.Fields(present)); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
			t.Errorf("%s from %s: %v, %v", words, present, set, err)
		}
	}
}
