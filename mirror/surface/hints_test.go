package surface

import (
	"testing"

	"hither/mirror/wire"
)

func TestSizeHints(t *testing.T) {
	const least, most = 1 << 4, 1 << 5
	for _, c := range []struct {
		window                 wire.Window
		flags                  uint32
		minW, minH, maxW, maxH uint32
	}{
		{wire.Window{}, 0, 0, 0, 0, 0},
		{wire.Window{MinWidth: 461, MinHeight: 101}, least, 465, 105, 0, 0},
		{wire.Window{MinWidth: 461}, least, 465, 5, 0, 0},
		{wire.Window{MaxHeight: 96}, most, 0, 0, 1<<15 + 3, 100},
		{wire.Window{MinWidth: 50, MinHeight: 60, MaxWidth: 40, MaxHeight: 80}, least | most, 54, 64, 54, 84},
	} {
		got := sizeHints(c.window, 2, false)
		if got[0]&(least|most) != c.flags || got[5] != c.minW || got[6] != c.minH || got[7] != c.maxW || got[8] != c.maxH {
			t.Errorf("%+v became %v", c.window, got)
		}
	}
	if sizeHints(wire.Window{}, 2, true)[0]&(1<<2) == 0 || sizeHints(wire.Window{}, 2, false)[0]&(1<<2) != 0 {
		t.Error("the place is not only the manager's where it was not given")
	}
}
