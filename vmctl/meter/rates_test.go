package meter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/ring"
)

func TestRates(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	count := func(after float64, cpu float64, disk int64) fusion.Stats {
		return fusion.Stats{Time: at.Add(time.Duration(after * float64(time.Second))), CPUs: 2, CPUSeconds: cpu, DiskReadBytes: disk, MemoryUsedBytes: 5}
	}
	for _, tc := range []struct {
		name  string
		stats []fusion.Stats
		want  string // of each but the first: CPU and disk
	}{
		{"a steady one", []fusion.Stats{count(0, 1, 0), count(1, 2, 100), count(3, 6, 100)}, "0.5/100 1/0"},
		{"more than all processors is all", []fusion.Stats{count(0, 1, 0), count(1, 9, 0)}, "1/0"},
		{"a pause", []fusion.Stats{count(0, 1, 0), count(60, 9, 0), count(61, 10, 0)}, "NaN/NaN 0.5/0"},
		{"a counter that could not be read once", []fusion.Stats{count(0, 1, 100), count(1, 2, 0), count(2, 3, 300)}, "NaN/NaN 0.5/100"},
		{"a start anew", []fusion.Stats{count(0, 9, 9), count(1, 0, 0), count(2, 1, 0), count(3, 2, 0), count(4, 3, 7)}, "NaN/NaN NaN/NaN NaN/NaN 0.5/7"},
		{"a clock that was set back", []fusion.Stats{count(9, 1, 0), count(0, 2, 0), count(1, 3, 0)}, "NaN/NaN 0.5/0"},
	} {
		var got []string
		var b baseline
		for i, stats := range tc.stats {
			var s ring.Sample
			if s, b = rates(b, stats); i > 0 {
				got = append(got, fmt.Sprintf("%v/%v", s.Values[ring.CPU], s.Values[ring.DiskRead]))
			}
			if s.Values[ring.Memory] != 5 {
				t.Errorf("%s: memory %v", tc.name, s.Values[ring.Memory])
			}
		}
		if all := strings.Join(got, " "); all != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, all, tc.want)
		}
	}
}
