package capture

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"image"
	"slices"
	"strings"

	"hither/fusion"
)

// Monitor is one of the monitors of an X display: a part of its picture.
type Monitor struct {
	// Name is what RANDR calls it ("HDMI-1"), made to fit fusion.CheckName. No
	// other monitor of the display has it.
	Name string
	// Area is in pixels of the display. Monitors may overlap.
	Area image.Rectangle
	// Primary says that the desktop's panel and new windows are there.
	Primary bool
}

// noMonitor is the error about a monitor that is not there, or no more.
func noMonitor(name string) error {
	return failed("screen.monitor", name, fusion.ErrNotFound, "the monitor "+name+" is not connected",
		"open the whole desktop, or see what monitors there are: hither screen ls HOST/self")
}

// namedMonitors gives monitors names that fit and differ.
func namedMonitors(all []Monitor) []Monitor {
	taken := map[string]bool{}
	for i := range all {
		base := fitName(all[i].Name)
		name := base
		for n := 2; taken[name]; n++ {
			suffix := fmt.Sprintf("-%d", n)
			name = base[:min(len(base), maxMonitorName-len(suffix))] + suffix
		}
		taken[name] = true
		all[i].Name = name
	}
	return all
}

// maxMonitorName is the longest name of fusion.CheckName.
const maxMonitorName = 64

// fitName makes a name that fusion.CheckName takes of any.
func fitName(name string) string {
	fit := strings.Map(func(r rune) rune {
		if r < 0x80 && fusion.CheckName("x"+string(r)) == nil {
			return r
		}
		return '-'
	}, name)
	fit = strings.TrimLeft(fit, "._-~")
	return cmp.Or(fit[:min(len(fit), maxMonitorName)], "monitor")
}

// arranged gives the monitors as a person looks for them: the primary one first,
// then from the left to the right and from the top down. One that shows what
// another shows too is left out.
func arranged(all []Monitor) []Monitor {
	var out []Monitor
	first := func(m Monitor) int {
		if m.Primary {
			return 0
		}
		return 1
	}
	all = slices.SortedStableFunc(slices.Values(all), func(a, b Monitor) int {
		return cmp.Or(first(a)-first(b), a.Area.Min.X-b.Area.Min.X, a.Area.Min.Y-b.Area.Min.Y)
	})
	for _, m := range all {
		if !slices.ContainsFunc(out, func(other Monitor) bool { return other.Area == m.Area }) {
			out = append(out, m)
		}
	}
	return out
}

// monitorAtom is a Monitor whose name is an atom still.
type monitorAtom struct {
	Monitor
	name uint32
}

// parseMonitors reads a GetMonitors reply (randrproto.txt, RANDR 1.5). False
// means that it is cut off.
func parseMonitors(reply []byte) ([]monitorAtom, bool) {
	const header, fixed = 32, 24
	if len(reply) < header {
		return nil, false
	}
	n, b := binary.LittleEndian.Uint32(reply[12:]), reply[header:]
	var all []monitorAtom
	for ; n > 0; n-- {
		if len(b) < fixed {
			return nil, false
		}
		size := fixed + 4*int(binary.LittleEndian.Uint16(b[6:])) // outputs follow
		if len(b) < size {
			return nil, false
		}
		word := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
		x, y := int(int16(word(8))), int(int16(word(10)))
		all = append(all, monitorAtom{name: binary.LittleEndian.Uint32(b), Monitor: Monitor{Primary: b[4] != 0,
			Area: image.Rect(x, y, x+word(12), y+word(14))}})
		b = b[size:]
	}
	return all, true
}
