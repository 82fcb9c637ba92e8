package hosttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

// testStorage is what every host promises.
func (s *suite) testStorage(t *testing.T) {
	ctx, storage := s.ctx(t), s.host.Storage()
	pools, err := storage.Pools(ctx)
	must(t, "pools", err)
	if len(pools) == 0 || pools[0].Name != fusion.OwnPool || pools[0].State != fusion.PoolActive || pools[0].FreeBytes <= 0 {
		t.Fatalf("%q is not the first of %+v", fusion.OwnPool, pools)
	}
	list, err := storage.Volumes(ctx, fusion.OwnPool)
	must(t, "volumes", err)
	if list == nil || !slices.IsSortedFunc(list, func(a, b fusion.Volume) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("not by name: %+v", list)
	}
	missing := fresh("none")
	_, err = storage.Volumes(ctx, missing)
	refused(t, "volumes of no pool", err, fusion.ErrNotFound)
	_, err = storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: missing, Name: "v", CapacityBytes: 1 << 20})
	refused(t, "create in no pool", err, fusion.ErrNotFound)
	_, err = storage.GrowVolume(ctx, fusion.OwnPool, missing, 1<<20)
	refused(t, "grow none", err, fusion.ErrNotFound)
	refused(t, "remove none", storage.RemoveVolume(ctx, fusion.OwnPool, missing), fusion.ErrNotFound)
}

// testVolumes takes a volume through its life, and looks after a machine's disk.
func (s *suite) testVolumes(t *testing.T) {
	ctx, storage, machines := s.ctx(t), s.host.Storage(), s.host.Machines()
	name := fresh("volume")
	made, err := storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: fusion.OwnPool, Name: name, CapacityBytes: 16 << 20})
	must(t, "create", err)
	if made.Name != name || made.Pool != fusion.OwnPool || made.Format != "qcow2" || made.CapacityBytes != 16<<20 || made.Machines == nil || made.BaseOf == nil {
		t.Errorf("made %+v", made)
	}
	_, err = storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: fusion.OwnPool, Name: name, CapacityBytes: 16 << 20})
	refused(t, "the name again", err, fusion.ErrExists)
	grown, err := storage.GrowVolume(ctx, fusion.OwnPool, name, 32<<20)
	must(t, "grow", err)
	if grown.CapacityBytes != 32<<20 {
		t.Errorf("grown %+v", grown)
	}
	_, err = storage.GrowVolume(ctx, fusion.OwnPool, name, 16<<20)
	refused(t, "shrink", err, fusion.ErrInvalid)
	must(t, "remove", storage.RemoveVolume(ctx, fusion.OwnPool, name))
	refused(t, "remove again", storage.RemoveVolume(ctx, fusion.OwnPool, name), fusion.ErrNotFound)
	for _, bad := range badNames {
		_, err := storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: fusion.OwnPool, Name: bad, CapacityBytes: 16 << 20})
		refused(t, fmt.Sprintf("name %q", bad), err, fusion.ErrInvalid)
	}
	for _, spec := range []fusion.VolumeSpec{{CapacityBytes: 1}, {CapacityBytes: 1 << 62}, {CapacityBytes: 16 << 20, Format: "vmdk"}} {
		spec.Pool, spec.Name = fusion.OwnPool, name
		_, err := storage.CreateVolume(ctx, spec)
		refused(t, fmt.Sprintf("%+v", spec), err, fusion.ErrInvalid)
	}

	vm := s.create(t, fusion.MachineSpec{DiskBytes: 16 << 20}).Name
	list, err := storage.Volumes(ctx, fusion.OwnPool)
	must(t, "volumes", err)
	at := slices.IndexFunc(list, func(v fusion.Volume) bool { return slices.Equal(v.Machines, []string{vm}) })
	if at < 0 {
		t.Fatalf("the disk of %s is not among %+v", vm, list)
	}
	refused(t, "remove a disk in use", storage.RemoveVolume(ctx, fusion.OwnPool, list[at].Name), fusion.ErrBusy)
	must(t, "remove the machine", machines.Remove(ctx, vm))
	refused(t, "its disk is gone", storage.RemoveVolume(ctx, fusion.OwnPool, list[at].Name), fusion.ErrNotFound)
}
