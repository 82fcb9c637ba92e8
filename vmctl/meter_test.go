package vmctl

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hither/fusion"
	"hither/vmctl/meter"
	"hither/vmctl/ring"
)

// busyFake has a machine that uses one of its two processors, writes a KiB a second
// and reads nothing.
func busyFake(names ...string) *fake {
	f := newFake()
	for _, name := range names {
		f.put(vm("uuid-"+name, name, fusion.Running))
	}
	f.count = func(d domain) fusion.Stats {
		s := float64(time.Now().UnixNano()) / 1e9
		return fusion.Stats{Time: time.Now(), CPUs: 2, CPUSeconds: s, MemoryUsedBytes: 1 << 20, DiskWriteBytes: int64(1024 * s)}
	}
	return f
}

// follow looks at a machine until the test ends and gives what was measured.
func followMeter(t *testing.T, s *Store, machine string) <-chan fusion.MeterPoint {
	points := make(chan fusion.MeterPoint, 1000)
	go func() {
		err := s.Meters().Watch(t.Context(), machine, func(p fusion.MeterPoint) { points <- p })
		// A machine that goes ends it too; a test that waits for more notices.
		if !errors.Is(err, context.Canceled) && !errors.Is(err, fusion.ErrOffline) && !errors.Is(err, fusion.ErrNotFound) {
			t.Error(err)
		}
	}()
	return points
}

func history(t *testing.T, s *Store, machine string, last time.Duration, points int) fusion.History {
	t.Helper()
	now := time.Now()
	return must(s.Meters().History(t.Context(), machine, now.Add(-last), now.Add(time.Second), points))(t)
}

func near(r *fusion.Range, want float64) bool {
	return r != nil && math.Abs(r.Avg-want) < 0.01*max(1, want)
}

func TestMeterMeasuresOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := busyFake("a", "b")
		s := store(t, f)
		points := followMeter(t, s, "a")
		var last time.Time
		for i := range 30 {
			p := <-points
			if i > 0 && (!near(p.CPU, 0.5) || !near(p.DiskWrite, 1024) || !near(p.DiskRead, 0) || p.At.Sub(last) != time.Second) {
				t.Errorf("point %d after %s: %+v", i, last, p)
			}
			last = p.At
		}
		f.mu.Lock()
		asked := slices.Clone(f.asked)
		f.mu.Unlock()
		for _, uuids := range asked {
			if !slices.Equal(uuids, []string{"uuid-a"}) {
				t.Errorf("asked for %q although a is looked at", uuids)
			}
		}
		if len(asked) != 30 {
			t.Errorf("%d calls to libvirt for 30 measurements", len(asked))
		}
		synctest.Wait() // what was measured is on its way to the file
		h := history(t, s, "a", time.Minute, 1000)
		if len(h.Points) != 30 || h.StepSeconds != 1 || h.Points[0].CPU != nil || !near(h.Points[29].CPU, 0.5) {
			t.Errorf("%+v", h)
		}
		if h := history(t, s, "b", time.Minute, 10); len(h.Points) != 0 {
			t.Errorf("nobody looked at b: %+v", h)
		}
	})
}

func TestNothingIsMeasuredWhenNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := busyFake("a")
		s := store(t, f)
		calls := func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.asked)
		}
		time.Sleep(time.Hour)
		if n := calls(); n != 0 {
			t.Errorf("%d calls to libvirt before anybody looked", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		_ = s.Meters().Watch(ctx, "a", func(fusion.MeterPoint) {
			if n++; n == 5 {
				cancel()
			}
		})
		time.Sleep(time.Hour)
		if got := calls(); got < 5 || got > 5+int(meter.Linger/time.Second)+1 {
			t.Errorf("%d calls to libvirt for a look of five seconds", got)
		}
		if h := history(t, s, "a", 2*time.Hour, 1000); len(h.Points) == 0 {
			t.Error("what was measured is gone")
		}
	})
}

func TestMeterAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := busyFake("a", "b")
		s := store(t, f)
		ok(t, s.Meters().KeepAlways(t.Context(), true))
		time.Sleep(10 * time.Minute)
		for _, name := range []string{"a", "b", fusion.Self} {
			h := history(t, s, name, 5*time.Minute, 1000)
			if len(h.Points) < 295 || !h.Always {
				t.Errorf("%s: %d points of five minutes", name, len(h.Points))
			}
		}
		closeStore(t, s)
		again := storeAt(t, busyFake("a", "b"), s.config.Dir)
		time.Sleep(time.Minute)
		h := history(t, again, "a", 11*time.Minute, 1000)
		if len(h.Points) < 640 || !h.Always {
			t.Errorf("after a restart there are %d points of eleven minutes", len(h.Points))
		}
		ok(t, again.Meters().KeepAlways(t.Context(), false))
	})
}

func TestMeterFoldsSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := busyFake("a")
		load := 0.0
		f.count = func(domain) fusion.Stats {
			load += float64(time.Now().Unix() % 2) // one second of two
			return fusion.Stats{Time: time.Now(), CPUs: 1, CPUSeconds: load, MemoryUsedBytes: 1 + time.Now().Unix()%10}
		}
		s := store(t, f)
		points := followMeter(t, s, "a")
		for range 101 {
			<-points
		}
		h := history(t, s, "a", 100*time.Second, 11) // of 101 seconds
		if h.StepSeconds != 10 || len(h.Points) < 10 {
			t.Fatalf("%+v", h)
		}
		for _, p := range h.Points[1 : len(h.Points)-1] {
			if p.Samples != 10 || p.At.Unix()%10 != 0 || p.CPU.Min != 0 || p.CPU.Max != 1 || !near(p.CPU, 0.5) || p.Memory.Min != 1 || p.Memory.Max != 10 {
				t.Errorf("%+v: %+v %+v", p, p.CPU, p.Memory)
			}
		}
	})
}

func TestMeterOfAMachineThatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := busyFake("a")
		s := store(t, f)
		seen, ended := make(chan bool, 100), make(chan error, 1)
		go func() {
			ended <- s.Meters().Watch(t.Context(), "a", func(fusion.MeterPoint) { seen <- true })
		}()
		<-seen
		if h := history(t, s, "a", time.Minute, 10); len(h.Points) != 1 {
			t.Errorf("%+v", h)
		}
		f.put(vm("uuid-a", "a", fusion.Off))
		ok(t, f.undefine("uuid-a"))
		refused(t, <-ended, fusion.ErrNotFound)
		time.Sleep(time.Minute)
		if left := rings(t, s); len(left) != 0 {
			t.Errorf("%v are left", left)
		}
	})
}

func rings(t *testing.T, s *Store) []string {
	t.Helper()
	return must(filepath.Glob(filepath.Join(s.config.Dir, "meters", "*")))(t)
}

func TestMeterSweepsOldFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := busyFake("a", "b")
		s := store(t, f)
		dir := filepath.Join(s.config.Dir, "meters")
		ok(t, os.MkdirAll(dir, 0o700))
		for name, age := range map[string]time.Duration{"uuid-a": time.Hour, "uuid-b": 25 * time.Hour, "stranger": time.Hour} {
			path := filepath.Join(dir, name+".ring")
			ok(t, ring.Append(path, []ring.Sample{{Second: time.Now().Unix()}}))
			ok(t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
		}
		ok(t, os.WriteFile(filepath.Join(dir, "owner.txt"), nil, 0o600))
		<-followMeter(t, s, fusion.Self)
		synctest.Wait()
		left := strings.Join(rings(t, s), " ")
		if strings.Contains(left, "stranger") || strings.Contains(left, "uuid-b") || !strings.Contains(left, "uuid-a") || !strings.Contains(left, "owner.txt") {
			t.Errorf("left: %s", left)
		}
	})
}

func TestMeterWhileLibvirtIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := busyFake("a")
		s := store(t, f)
		points := followMeter(t, s, "a")
		<-points
		f.refuses("stats", &driverError{fusion.ErrOffline, "away"})
		time.Sleep(30 * time.Second)
		f.refuses("stats", nil)
		for len(points) > 0 {
			<-points
		}
		if p := <-points; p.CPU != nil || p.Memory == nil {
			t.Errorf("a rate over a gap: %+v", p)
		}
		if p := <-points; !near(p.CPU, 0.5) {
			t.Errorf("%+v", p)
		}
	})
}
