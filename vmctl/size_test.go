package vmctl

import (
	"strings"
	"testing"

	"hither/fusion"
)

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
