//go:build e2e && linux

package vmctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	testguest "hither/internal/guest"
	"hither/vmctl/domxml"
)

// writing makes a machine that counts onto its disk without a gap.
func writing(t *testing.T, s *Store, spec fusion.MachineSpec) fusion.Machine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "count.img")
	testguest.Counter(t, path, 16<<20)
	f := must(os.Open(path))(t)
	defer f.Close()
	ok(t, s.Upload(t.Context(), "count.img", 16<<20, f))
	spec.Name, spec.Image = "m", "count.img"
	return must(s.Create(t.Context(), spec))(t)
}

// counted reads how far the guest has counted on its disk, in one boot without a gap. The
// machine stands still meanwhile, so that the file is whole.
func countOf(t *testing.T, s *Store, uuid string) uint32 {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	run(t, "qemu-img", "convert", "-U", "-O", "raw", diskOf(t, s, uuid), raw)
	f := must(os.Open(raw))(t)
	defer f.Close()
	return must(testguest.Counted(f))(t)
}

// TestSaveAndGoOn: the guest's count goes on over a save, a restart of the node and of
// libvirtd, in one boot.
func TestSaveAndGoOn(t *testing.T) {
	s, config := stage(t, "private")
	ctx, events := t.Context(), watch(t, s)
	m := writing(t, s, fusion.MachineSpec{MemoryBytes: 64 << 20, Start: true})
	eventually(t, "it counts", func() bool { return countOf(t, s, m.UUID) > 5 })
	start := time.Now()
	ok(t, s.Save(ctx, "m"))
	t.Logf("saved in %v", time.Since(start).Round(time.Millisecond))
	events.await(t, "m saved")
	if out := virsh(t, s, "list", "--all", "--managed-save"); !strings.Contains(out, "saved") || qemuPID(m.UUID) != 0 {
		t.Errorf("virsh says %s", out)
	}
	saved := countOf(t, s, m.UUID)
	label(t, s, fusion.LabelChange{Add: []string{"while-saved"}})
	_, err := s.Change(ctx, "m", fusion.Change{Kind: fusion.AddNIC})
	refused(t, err, fusion.ErrInvalid)

	killed := daemonPID(t, config)
	ok(t, syscall.Kill(killed, syscall.SIGKILL))
	events.await(t, "m saved") // libvirt does not answer, but it is saved
	eventually(t, "another libvirtd answers", func() bool {
		pid := daemonOf(config)
		return pid != 0 && pid != killed && s.connected()
	})
	closeStore(t, s)
	s = open(t, config)
	events = watch(t, s)
	if got := must(s.Get(ctx, "m"))(t); got.State != fusion.Saved || strings.Join(got.Tags, "") != "while-saved" {
		t.Errorf("after a restart: %+v", got)
	}
	start = time.Now()
	ok(t, s.Do(ctx, "m", fusion.Start))
	t.Logf("went on in %v", time.Since(start).Round(time.Millisecond))
	events.await(t, "m running")
	eventually(t, "it counts on", func() bool { return countOf(t, s, m.UUID) > saved+5 })
	if got := must(s.Get(ctx, "m"))(t); strings.Join(got.Tags, "") != "while-saved" {
		t.Errorf("what was written while it was saved is lost: %+v", got.Labels)
	}

	// A machine that was paused is paused again, and is nobody else's to let go on.
	ok(t, s.Do(ctx, "m", fusion.Pause))
	ok(t, s.Save(ctx, "m"))
	ok(t, s.Do(ctx, "m", fusion.Start))
	if got := must(s.Get(ctx, "m"))(t); got.State != fusion.Paused || !slices.Contains(got.Verbs, fusion.Resume) || strings.HasPrefix(got.Note, onTheWay) {
		t.Errorf("saved while it was paused, and started: %+v", got)
	}
	ok(t, s.Do(ctx, "m", fusion.Resume))
	events.await(t, "m running")

	ok(t, s.Save(ctx, "m"))
	ok(t, s.Do(ctx, "m", fusion.Discard))
	events.await(t, "m off")
	if out := virsh(t, s, "list", "--all", "--managed-save"); strings.Contains(out, "saved") {
		t.Errorf("virsh says %s", out)
	}
}

// TestASaveIsCanceled: the machine runs on, in the same QEMU, with what it had.
func TestASaveIsCanceled(t *testing.T) {
	s, _ := stage(t, "private")
	m := writing(t, s, fusion.MachineSpec{MemoryBytes: 2 << 30, Start: true})
	eventually(t, "it counts", func() bool { return countOf(t, s, m.UUID) > 5 })
	pid := qemuPID(m.UUID)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Save(ctx, "m") }()
	eventually(t, "it is being saved", func() bool {
		return !strings.Contains(virsh(t, s, "domjobinfo", "m"), "None") || len(done) > 0
	})
	cancel()
	err := <-done
	got := must(s.Get(t.Context(), "m"))(t)
	t.Logf("canceled: %v; it is %s", err, got.State)
	if err == nil {
		if got.State != fusion.Saved {
			t.Fatalf("saved, but %+v", got)
		}
		t.Log("it was saved before the end was asked for")
		ok(t, s.Do(t.Context(), "m", fusion.Start))
	} else if !errors.Is(err, context.Canceled) || got.State != fusion.Running || qemuPID(m.UUID) != pid {
		t.Fatalf("%v: it is %+v; QEMU was %d and is %d", err, got, pid, qemuPID(m.UUID))
	}
	before := countOf(t, s, m.UUID)
	eventually(t, "it counts on", func() bool { return countOf(t, s, m.UUID) > before })
}

// TestLabelsStay: virsh shows them, and they are there after libvirtd was killed, under
// the machine's new name.
func TestLabelsStay(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	m := must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 1 << 20, Start: true}))(t)
	const note = "</label><x> & 二\nsecond"
	label(t, s, fusion.LabelChange{Add: []string{"lab", "db"}, Notes: text(note), Autostart: yes(), Order: at(3)})
	for _, dump := range []string{virsh(t, s, "dumpxml", "m"), virsh(t, s, "dumpxml", "--inactive", "m")} {
		for _, has := range []string{domxml.LabelURI, ">lab<", ">db<", "&lt;/label&gt;&lt;x&gt; &amp; 二\nsecond", "order=\"3\""} {
			if !strings.Contains(dump, has) && !strings.Contains(dump, strings.ReplaceAll(has, `"`, `'`)) {
				t.Errorf("virsh does not show %q:\n%s", has, dump)
			}
		}
	}
	events := watch(t, s)
	ok(t, syscall.Kill(daemonPID(t, config), syscall.SIGKILL))
	events.await(t, "m failed")
	events.await(t, "m running")
	got := must(s.Get(ctx, "m"))(t)
	if strings.Join(got.Tags, " ") != "db lab" || got.Notes != note || !got.Autostart || got.Order != 3 {
		t.Errorf("%+v", got.Labels)
	}
	refused(t, s.Rename(ctx, "m", "n"), fusion.ErrInvalid)
	ok(t, s.do(ctx, func(d driver) error { return d.recovered(m.UUID) })) // libvirtd tells of no end before that
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	events.await(t, "m off")
	must(s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "before"}))(t)
	ok(t, s.Rename(ctx, "m", "n"))
	if names := virsh(t, s, "list", "--all", "--name"); strings.TrimSpace(names) != "n" {
		t.Errorf("virsh lists %q", names)
	}
	if list := must(s.Snapshots(ctx, "n"))(t); len(list) != 1 {
		t.Errorf("its snapshots: %+v", list)
	}
	got = must(s.Get(ctx, "n"))(t)
	if got.UUID != m.UUID || strings.Join(got.Tags, " ") != "db lab" || len(got.Disks) != 1 {
		t.Errorf("%+v", got)
	}

	// It starts with the next start of the computer, which the first start after an end of
	// all stands for.
	stopAll(t, s)
	closeStore(t, s)
	s = open(t, config)
	eventually(t, "it starts by itself", func() bool { return must(s.Get(ctx, "n"))(t).State == fusion.Running })
	ok(t, s.Do(ctx, "n", fusion.ForceOff))
	virsh(t, s, "autostart", "n")
	if got := must(s.Label(ctx, "n", fusion.LabelChange{Autostart: no()}))(t); got.Autostart {
		t.Errorf("%+v", got.Labels)
	}
	if out := virsh(t, s, "dominfo", "n"); !strings.Contains(out, "Autostart:      disable") {
		t.Errorf("virsh says %s", out)
	}
}
