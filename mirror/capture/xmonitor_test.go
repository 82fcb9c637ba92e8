package capture

import (
	"encoding/binary"
	"image"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

func TestMonitorsHaveNamesThatFit(t *testing.T) {
	long := strings.Repeat("x", 70)
	said := []string{"HDMI-1", "HDMI A/1", "HDMI A/1", "-1-2", "显示器", "", "..", long, long, "HDMI-A-1"}
	want := []string{"HDMI-1", "HDMI-A-1", "HDMI-A-1-2", "1-2", "monitor", "monitor-2", "monitor-3", long[:64], long[:62] + "-2", "HDMI-A-1-3"}
	var all []Monitor
	for _, name := range said {
		all = append(all, Monitor{Name: name})
	}
	for i, m := range namedMonitors(all) {
		if m.Name != want[i] || fusion.CheckName(m.Name) != nil {
			t.Errorf("%q became %q, not %q", said[i], m.Name, want[i])
		}
	}
}

func TestMonitorsAreArranged(t *testing.T) {
	at := func(name string, x, y int) Monitor {
		return Monitor{Name: name, Area: image.Rect(x, y, x+100, y+80)}
	}
	primary := at("primary", 100, 0)
	primary.Primary = true
	twin := at("twin", 100, 0)
	var names []string
	for _, m := range arranged([]Monitor{at("right", 200, 0), twin, at("below", 0, 80), primary, at("left", 0, 0)}) {
		names = append(names, m.Name)
	}
	if want := []string{"primary", "left", "below", "right"}; !slices.Equal(names, want) {
		t.Errorf("%v, not %v", names, want)
	}
}

// monitorsReply is the answer of a server with two monitors.
func monitorsReply() []byte {
	b := make([]byte, 32)
	binary.LittleEndian.PutUint32(b[12:], 2)
	monitor := func(atom uint32, primary byte, outputs uint16, x, y int16, w, h uint16) {
		b = binary.LittleEndian.AppendUint32(b, atom)
		b = binary.LittleEndian.AppendUint16(append(b, primary, 1), outputs)
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, uint16(x)), uint16(y))
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, w), h)
		b = append(b, make([]byte, 8+4*int(outputs))...)
	}
	monitor(7, 1, 2, 0, 0, 640, 480)
	monitor(9, 0, 0, 640, -20, 320, 200)
	return b
}

func TestParseMonitors(t *testing.T) {
	b := monitorsReply()
	all, whole := parseMonitors(b)
	want := []monitorAtom{
		{Monitor{Area: image.Rect(0, 0, 640, 480), Primary: true}, 7},
		{Monitor{Area: image.Rect(640, -20, 960, 180)}, 9},
	}
	if !whole || !slices.Equal(all, want) {
		t.Errorf("%v %v", all, whole)
	}
	for n := range b {
		if all, whole := parseMonitors(b[:n]); whole {
			t.Errorf("%d bytes of %d are %v", n, len(b), all)
		}
	}
}

func FuzzParseMonitors(f *testing.F) {
	f.Add(monitorsReply())
	f.Fuzz(func(t *testing.T, b []byte) {
		all, whole := parseMonitors(b)
		if !whole && all != nil || len(all) > len(b)/24 {
			t.Errorf("%d monitors in %d bytes, whole %v", len(all), len(b), whole)
		}
		for _, m := range namedMonitors([]Monitor{{Name: string(b)}}) {
			if err := fusion.CheckName(m.Name); err != nil {
				t.Error(err)
			}
		}
	})
}
