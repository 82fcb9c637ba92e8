package vmctl

import (
	"math"
	"strings"
	"testing"

	"hither/fusion"
)

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		-5: "-5 B", 0: "0 B", 1023: "1023 B", 1 << 10: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB",
		3 << 29: "1.5 GiB", 16 << 40: "16.0 TiB", 100 << 50: "100.0 PiB", math.MaxInt64: "8.0 EiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestSizesOutOfBounds(t *testing.T) {
	for said, spec := range map[string]fusion.MachineSpec{
		"1.0 MiB of memory":   {Name: "m", MemoryBytes: 1 << 20},
		"100.0 PiB of memory": {Name: "m", MemoryBytes: 100 << 50},
		"a disk of 1.0 KiB":   {Name: "m", DiskBytes: 1 << 10},
		"a disk of 65.0 TiB":  {Name: "m", DiskBytes: 65 << 40},
	} {
		_, err := checkSpec(spec)
		refused(t, err, fusion.ErrInvalid)
		if !strings.Contains(err.Error(), said) || !strings.Contains(fusion.Hint(err), "iB to ") {
			t.Errorf("want %q: %v (hint: %s)", said, err, fusion.Hint(err))
		}
	}
}
