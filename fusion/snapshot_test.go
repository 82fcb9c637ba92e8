package fusion

import (
	"slices"
	"testing"
	"time"
)

func TestSortSnapshots(t *testing.T) {
	at := func(minute int, name, parent string) Snapshot {
		return Snapshot{Name: name, Parent: parent, Created: time.Unix(int64(60*minute), 0)}
	}
	for what, c := range map[string]struct {
		list  []Snapshot
		want  []string
		depth []int
	}{
		"tree": {
			[]Snapshot{at(5, "e", "b"), at(4, "d", "a"), at(3, "c", "b"), at(2, "b", "a"), at(1, "a", "")},
			[]string{"a", "b", "c", "e", "d"}, []int{0, 1, 2, 2, 1}},
		"two roots":          {[]Snapshot{at(2, "b", ""), at(1, "a", "")}, []string{"a", "b"}, []int{0, 0}},
		"a clock went back":  {[]Snapshot{at(1, "b", "a"), at(2, "a", "")}, []string{"a", "b"}, []int{0, 1}},
		"the parent is gone": {[]Snapshot{at(1, "b", "x")}, []string{"b"}, []int{0}},
		"a circle":           {[]Snapshot{at(1, "a", "b"), at(2, "b", "a"), at(3, "c", "")}, []string{"c", "a", "b"}, []int{0, 0, 1}},
		"its own parent":     {[]Snapshot{at(1, "a", "a")}, []string{"a"}, []int{0}},
		"without a name":     {[]Snapshot{at(1, "", ""), at(2, "a", "")}, []string{"", "a"}, []int{0, 1}},
		"none":               {nil, nil, []int{}},
	} {
		SortSnapshots(c.list)
		var got []string
		for _, s := range c.list {
			got = append(got, s.Name)
		}
		if !slices.Equal(got, c.want) || !slices.Equal(SnapshotDepth(c.list), c.depth) {
			t.Errorf("%s: %q %v, want %q %v", what, got, SnapshotDepth(c.list), c.want, c.depth)
		}
	}
}
