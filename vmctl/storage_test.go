package vmctl

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
	testguest "hither/internal/guest"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

// pooled is a fake with the pool "data" of a directory, and one that is gone.
func pooledStore(t *testing.T) (*fake, string) {
	t.Helper()
	f, dir := newFake(), t.TempDir()
	f.stored = fakeStorage{volumes: map[string][]volume{}, grown: map[string]int64{}, pools: []pool{
		{uuid: "p1", name: "data", kind: "dir", path: dir, active: true, total: 10 << 30, free: 5 << 30},
		{uuid: "p2", name: "off", kind: "logical", path: "/dev/vg"},
		{uuid: "p3", name: "usb", kind: "dir", path: filepath.Join(dir, "none"), active: true, total: 1, free: 1},
		{uuid: "p4", name: fusion.OwnPool, kind: "dir", path: dir, active: true, total: 10 << 30, free: 1 << 20},
	}}
	return f, dir
}

func TestPools(t *testing.T) {
	f, _ := pooledStore(t)
	s := store(t, f)
	list := must(s.Storage().Pools(t.Context()))(t)
	var got []string
	for _, p := range list {
		got = append(got, p.Name+" "+string(p.State))
		if (p.Note == "") != (p.Hint == "") {
			t.Errorf("%+v", p)
		}
	}
	if want := []string{"hither active", "data active", "hither-p4 active", "off inactive", "usb gone"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if list[0].TotalBytes <= 0 || list[0].FreeBytes <= 0 || list[1].FreeBytes != 5<<30 {
		t.Errorf("%+v", list)
	}
	for _, name := range []string{"off", "usb"} {
		_, err := s.Storage().Volumes(t.Context(), name)
		refused(t, err, fusion.ErrInvalid)
	}
	_, err := s.Storage().Volumes(t.Context(), "../x")
	refused(t, err, fusion.ErrNotFound)
}

func TestVolumesOfHithersOwn(t *testing.T) {
	f := newFake()
	s := store(t, f)
	ctx, storage := t.Context(), s.Storage()
	spec := fusion.VolumeSpec{Pool: fusion.OwnPool, Name: "data", CapacityBytes: 1 << 30}
	v := must(storage.CreateVolume(ctx, spec))(t)
	if v.Format != "qcow2" || v.CapacityBytes != 1<<30 || v.AllocationBytes > 1<<20 || len(v.Machines) != 0 {
		t.Errorf("made %+v", v)
	}
	_, err := storage.CreateVolume(ctx, spec)
	refused(t, err, fusion.ErrExists)
	v = must(storage.GrowVolume(ctx, fusion.OwnPool, "data", 2<<30))(t)
	if v.CapacityBytes != 2<<30 {
		t.Errorf("grown %+v", v)
	}
	_, err = storage.GrowVolume(ctx, fusion.OwnPool, "data", 1<<30)
	refused(t, err, fusion.ErrInvalid)
	_, err = storage.GrowVolume(ctx, fusion.OwnPool, "none", 1<<30)
	refused(t, err, fusion.ErrNotFound)
	raw := must(storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: fusion.OwnPool, Name: "raw.img", Format: "raw", CapacityBytes: 1<<20 + 1}))(t)
	if raw.Format != "raw" || raw.CapacityBytes != 1<<20+512 {
		t.Errorf("made %+v", raw)
	}
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), imagepool.Partial+"half"), nil, 0o600))
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), "cd.iso"), make([]byte, 4096), 0o600))
	list := must(storage.Volumes(ctx, fusion.OwnPool))(t)
	if len(list) != 3 || list[0].Format != "iso" || list[1].Name != "data" {
		t.Errorf("%+v", list)
	}
	_, err = storage.GrowVolume(ctx, fusion.OwnPool, "cd.iso", 1<<30)
	refused(t, err, fusion.ErrInvalid)
	ok(t, storage.RemoveVolume(ctx, fusion.OwnPool, "data"))
	refused(t, storage.RemoveVolume(ctx, fusion.OwnPool, "data"), fusion.ErrNotFound)
	for _, bad := range []string{"", "../x", "a/b", "<v>", imagepool.Partial + "half"} {
		_, err := storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: fusion.OwnPool, Name: bad, CapacityBytes: 1 << 30})
		refused(t, err, fusion.ErrInvalid)
		refused(t, storage.RemoveVolume(ctx, fusion.OwnPool, bad), fusion.ErrNotFound)
	}
}

func TestVolumesThatAreNeeded(t *testing.T) {
	f, _ := pooledStore(t)
	s := store(t, f)
	ctx, storage, dir := t.Context(), s.Storage(), s.config.pool()
	for _, name := range []string{"base", "mine", "cd.iso", "below"} {
		ok(t, os.WriteFile(filepath.Join(dir, name), make([]byte, 1<<20), 0o600))
	}
	testguest.Overlay(t, filepath.Join(dir, "clone"), "base")
	testguest.Overlay(t, filepath.Join(dir, "top"), filepath.Join(dir, "below"))
	d := vm("1", "m", fusion.Off)
	d.Disks = []domxml.Disk{{Target: "vda", Path: filepath.Join(dir, "mine"), Format: "raw"}, {Target: "vdb", Path: filepath.Join(dir, "top"), Format: "qcow2"}}
	d.Inserted = []string{filepath.Join(dir, "cd.iso")}
	f.put(d)
	for name, by := range map[string]string{"mine": "m", "cd.iso": "m", "top": "m", "below": "m", "base": "clone"} {
		err := storage.RemoveVolume(ctx, fusion.OwnPool, name)
		refused(t, err, fusion.ErrBusy)
		if !strings.HasSuffix(err.Error(), ": "+by) || !there(filepath.Join(dir, name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	list := must(storage.Volumes(ctx, fusion.OwnPool))(t)
	at := slices.IndexFunc(list, func(v fusion.Volume) bool { return v.Name == "clone" })
	if at < 0 || list[at].Base != "base" || list[at].CapacityBytes != 1<<30 {
		t.Errorf("%+v", list)
	}
	_, err := storage.GrowVolume(ctx, fusion.OwnPool, "base", 1<<31)
	refused(t, err, fusion.ErrBusy)
	// Under a running machine it is the machine that is asked.
	d.state, d.active = fusion.Running, true
	f.put(d)
	eventually(t, "it runs", func() bool { uuid, _ := s.runsOn(filepath.Join(dir, "mine")); return uuid != "" })
	must(storage.GrowVolume(ctx, fusion.OwnPool, "mine", 1<<31))(t)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stored.grown["1 vda"] != 1<<31 {
		t.Errorf("%+v", f.stored.grown)
	}
}

func TestVolumesOfAPool(t *testing.T) {
	f, dir := pooledStore(t)
	s := store(t, f)
	ctx, storage := t.Context(), s.Storage()
	v := must(storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: "data", Name: "v", CapacityBytes: 1 << 30}))(t)
	if v.Pool != "data" || v.Format != "qcow2" || v.CapacityBytes != 1<<30 || v.AllocationBytes != 0 {
		t.Errorf("made %+v", v)
	}
	if v = must(storage.GrowVolume(ctx, "data", "v", 2<<30))(t); v.CapacityBytes != 2<<30 {
		t.Errorf("grown %+v", v)
	}
	f.mu.Lock()
	f.stored.volumes["p1"] = append(f.stored.volumes["p1"], volume{name: "odd name", path: filepath.Join(dir, "odd name"), format: "raw", base: filepath.Join(dir, "v")})
	f.mu.Unlock()
	refused(t, storage.RemoveVolume(ctx, "data", "v"), fusion.ErrBusy)
	list := must(storage.Volumes(ctx, "data"))(t)
	if len(list) != 2 || fusion.CheckName(list[0].Name) != nil || !strings.HasPrefix(list[0].Name, "odd-name-") || list[0].Base != "v" {
		t.Fatalf("%+v", list)
	}
	ok(t, storage.RemoveVolume(ctx, "data", list[0].Name))
	ok(t, storage.RemoveVolume(ctx, "data", "v"))
	_, err := storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: "hither-p4", Name: "v", CapacityBytes: 1 << 30})
	refused(t, err, fusion.ErrInvalid) // it is full
	f.refuses("createVolume", &driverError{errHypervisor, "cannot create path: No space left on device"})
	_, err = storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: "data", Name: "v", CapacityBytes: 1 << 30})
	refused(t, err, fusion.ErrInvalid)
	f.refuses("volumes", &driverError{errHypervisor, "cannot open directory: No such file or directory"})
	_, err = storage.Volumes(ctx, "data")
	refused(t, err, fusion.ErrInvalid)
}

// TestNothingIsRemovedWhileMachinesAreNotKnown: what a machine needs could go.
func TestNothingIsRemovedWhileMachinesAreNotKnown(t *testing.T) {
	f := newFake()
	s := store(t, f)
	must(s.Storage().CreateVolume(t.Context(), fusion.VolumeSpec{Pool: fusion.OwnPool, Name: "v", CapacityBytes: 1 << 30}))(t)
	f.refuses("open", &driverError{fusion.ErrOffline, "gone"})
	f.lose()
	eventually(t, "it is lost", func() bool { return !s.connected() })
	refused(t, s.Storage().RemoveVolume(t.Context(), fusion.OwnPool, "v"), fusion.ErrOffline)
	if list := must(s.Storage().Volumes(t.Context(), fusion.OwnPool))(t); len(list) != 1 {
		t.Errorf("%+v", list)
	}
}
