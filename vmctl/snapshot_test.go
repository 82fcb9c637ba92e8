package vmctl

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// keeper is a machine with one qcow2 disk in dir.
func keeper(t *testing.T, state fusion.MachineState) domain {
	d := vm("1", "m", state)
	d.Disks = []domxml.Disk{{Target: "vda", Path: filepath.Join(t.TempDir(), "disk"), Format: imagefile.Qcow2}}
	d.MemoryBytes = 16 << 20
	return d
}

func TestSnapshotTree(t *testing.T) {
	f := newFake()
	f.put(keeper(t, fusion.Running))
	s := store(t, f)
	ctx, events := t.Context(), watch(t, s)
	a := must(s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "a", Note: "<&>"}))(t)
	if !a.Memory || a.State != fusion.Running || a.Note != "<&>" || !a.Current {
		t.Errorf("%+v", a)
	}
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	events.await(t, "m off")
	if b := must(s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "b"}))(t); b.Memory || b.Parent != "a" {
		t.Errorf("%+v", b)
	}
	ok(t, s.RevertSnapshot(ctx, "m", "a"))
	events.await(t, "m running")
	ok(t, s.RemoveSnapshot(ctx, "m", "a"))
	if list := must(s.Snapshots(ctx, "m"))(t); len(list) != 1 || list[0].Name != "b" || list[0].Parent != "" {
		t.Errorf("%+v", list)
	}
	refused(t, s.RevertSnapshot(ctx, "m", "a"), fusion.ErrNotFound)
	refused(t, s.RemoveSnapshot(ctx, "m", "a"), fusion.ErrNotFound)
	refused(t, s.RemoveSnapshot(ctx, "none", "a"), fusion.ErrNotFound)
	_, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "b"})
	refused(t, err, fusion.ErrExists)
}

func TestWhatKeepsNoSnapshot(t *testing.T) {
	for what, change := range map[string]func(*domain){
		"raw":       func(d *domain) { d.Disks = append(d.Disks, domxml.Disk{Target: "vdb", Path: "/x", Format: "raw"}) },
		"no disk":   func(d *domain) { d.Disks = nil },
		"read only": func(d *domain) { d.Disks[0].ReadOnly = true },
	} {
		f := newFake()
		d := keeper(t, fusion.Off)
		change(&d)
		f.put(d)
		_, err := store(t, f).TakeSnapshot(t.Context(), "m", fusion.SnapshotSpec{Name: "a"})
		if !errors.Is(err, fusion.ErrUnsupported) || !strings.Contains(fusion.Hint(err), "qcow2") {
			t.Errorf("%s: %v (hint: %s)", what, err, fusion.Hint(err))
		}
	}
	f := newFake()
	f.put(keeper(t, fusion.Running))
	_, err := store(t, f).TakeSnapshot(t.Context(), "m", fusion.SnapshotSpec{Name: "a", NoMemory: true})
	refused(t, err, fusion.ErrUnsupported)
}

func TestSavedMachineIsNotParted(t *testing.T) {
	f := newFake()
	f.put(keeper(t, fusion.Saved))
	f.kept["1"] = []fusion.Snapshot{{Name: "a", State: fusion.Off}}
	s := store(t, f)
	_, err := s.TakeSnapshot(t.Context(), "m", fusion.SnapshotSpec{Name: "b"})
	refused(t, err, fusion.ErrInvalid)
	refused(t, s.RevertSnapshot(t.Context(), "m", "a"), fusion.ErrInvalid)
	ok(t, s.RemoveSnapshot(t.Context(), "m", "a"))
}

func TestNoRoomForTheMemory(t *testing.T) {
	f := newFake()
	d := keeper(t, fusion.Running)
	d.MemoryBytes = 1 << 60
	f.put(d)
	_, err := store(t, f).TakeSnapshot(t.Context(), "m", fusion.SnapshotSpec{Name: "a"})
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(err.Error(), "full") {
		t.Error(err)
	}
}

// TestSnapshotsOfOthers: odd names are shown as plain ones, which are then taken.
func TestSnapshotsOfOthers(t *testing.T) {
	f := newFake()
	f.put(keeper(t, fusion.Off))
	f.kept["1"] = []fusion.Snapshot{{Name: "<b> 二", Parent: "../a", State: fusion.Off}, {Name: "../a", State: fusion.Off}}
	s := store(t, f)
	list := must(s.Snapshots(t.Context(), "m"))(t)
	if len(list) != 2 || list[1].Parent != list[0].Name {
		t.Fatalf("%+v", list)
	}
	for _, one := range list {
		ok(t, fusion.CheckName(one.Name))
	}
	ok(t, s.RevertSnapshot(t.Context(), "m", list[1].Name))
	ok(t, s.RemoveSnapshot(t.Context(), "m", list[0].Name))
	if left := must(s.Snapshots(t.Context(), "m"))(t); len(left) != 1 || left[0].Name != list[1].Name {
		t.Errorf("%+v", left)
	}
}

// TestNothingMeetsASnapshot: the machine is claimed until the hypervisor has
// answered, also when the caller goes.
func TestNothingMeetsASnapshot(t *testing.T) {
	f := newFake()
	f.acting, f.goOn = make(chan fusion.Verb), make(chan struct{})
	f.put(keeper(t, fusion.Off))
	s := store(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "a"})
		done <- err
	}()
	<-f.acting
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	refused(t, s.Do(t.Context(), "m", fusion.Start), fusion.ErrBusy)
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrBusy)
	refused(t, s.RevertSnapshot(t.Context(), "m", "a"), fusion.ErrBusy)
	close(f.goOn)
	eventually(t, "the snapshot is whole and the machine free", func() bool {
		return s.RevertSnapshot(t.Context(), "m", "a") == nil
	})
}

func TestRefusedSnapshotLeavesNothing(t *testing.T) {
	f := newFake()
	f.put(keeper(t, fusion.Off))
	f.refuses("take", &driverError{fusion.ErrInvalid, "Error while writing VM state: No space left on device"})
	s := store(t, f)
	_, err := s.TakeSnapshot(t.Context(), "m", fusion.SnapshotSpec{Name: "a"})
	refused(t, err, fusion.ErrInvalid)
	if fusion.Hint(err) != imagepool.SpaceHint {
		t.Errorf("hint: %s", fusion.Hint(err))
	}
	if list := must(s.Snapshots(t.Context(), "m"))(t); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func FuzzParseSnapshot(f *testing.F) {
	f.Add(`<domainsnapshot><name>a</name><state>running</state><creationTime>1</creationTime><memory snapshot='internal'/><parent><name>b</name></parent></domainsnapshot>`)
	f.Add(`<domainsnapshot><name>../a</name><disks><disk name='vda' snapshot='no'/></disks></domainsnapshot>`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := domxml.ParseSnapshot(text)
		if err != nil {
			return
		}
		if shown := outsideSnapshot(s.Name); shown != "" {
			ok(t, fusion.CheckName(shown))
		}
		if s.Memory && s.State == fusion.Off {
			t.Errorf("%+v", s)
		}
	})
}
