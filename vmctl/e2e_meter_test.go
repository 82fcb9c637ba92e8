//go:build e2e && linux

package vmctl

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hither/fusion"
	testguest "hither/internal/guest"
	"hither/vmctl/computer"
)

// TestMeterOfABusyGuest looks at a guest that burns its processor, then at the same one
// while it is paused.
func TestMeterOfABusyGuest(t *testing.T) {
	s, config := stage(t, "private")
	disk := filepath.Join(t.TempDir(), "burner.img")
	testguest.Burner(t, disk, 1<<20)
	image := must(os.Open(disk))(t)
	defer image.Close()
	ok(t, s.Upload(t.Context(), "burner.img", 1<<20, image))
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "burner", MemoryBytes: 64 << 20, Image: "burner.img", Start: true}))(t)
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "idle", MemoryBytes: 64 << 20}))(t)

	// It takes all that a busy computer leaves it. QEMU itself takes about 0.03 of a slow
	// computer to answer what is asked each second, also while its guest is paused.
	const busyShare, restShare = 0.2, 0.1
	points := followMeter(t, s, "burner")
	busy := await(t, points, "its processor is used", func(p fusion.MeterPoint) bool {
		return p.CPU != nil && p.CPU.Avg > busyShare && p.Memory != nil // libvirt misses one now and then
	})
	if busy.Memory.Avg <= 0 || busy.Memory.Avg > 64<<20 || busy.DiskRead == nil {
		t.Errorf("%+v", busy)
	}
	ok(t, s.Do(t.Context(), "burner", fusion.Pause))
	await(t, points, "nothing is used while it is paused", func(p fusion.MeterPoint) bool { return p.CPU != nil && p.CPU.Avg < restShare })

	h := history(t, s, "burner", 5*time.Minute, 301)
	most := 0.0
	for _, p := range h.Points {
		if p.CPU != nil {
			most = max(most, p.CPU.Max)
		}
	}
	if most < busyShare {
		t.Errorf("the history has at most %g of the processor: %+v", most, h)
	}
	if h := history(t, s, "idle", time.Minute, 10); len(h.Points) != 0 {
		t.Errorf("a machine that is off was measured: %+v", h)
	}
	ring := filepath.Join(config.Dir, "meters", m.UUID+".ring")
	if info := must(os.Stat(ring))(t); computer.Allocated(info) > 64<<10 {
		t.Errorf("some seconds take %d bytes of disk", computer.Allocated(info))
	}
	ok(t, s.Do(t.Context(), "burner", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "burner"))
	eventually(t, "the measurements go with the machine", func() bool {
		_, err := os.Stat(ring)
		return os.IsNotExist(err)
	})
}

// await takes measurements until one is as wanted.
func await(t *testing.T, points <-chan fusion.MeterPoint, what string, is func(fusion.MeterPoint) bool) fusion.MeterPoint {
	t.Helper()
	var last fusion.MeterPoint
	for end := time.After(patience); ; {
		select {
		case last = <-points:
			if is(last) {
				return last
			}
		case <-end:
			t.Fatalf("in vain: %s; last was %+v", what, last)
		}
	}
}
