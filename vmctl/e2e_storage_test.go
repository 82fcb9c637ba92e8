//go:build e2e && linux

package vmctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
)

// listed gives what virsh knows in a pool, as "name …" lines.
func listed(t *testing.T, s *Store, pool string) string {
	t.Helper()
	virsh(t, s, "pool-refresh", pool)
	return virsh(t, s, "vol-list", pool, "--details")
}

// TestStorage: volumes of a pool of libvirt's and of Hither's own, seen by virsh.
func TestStorage(t *testing.T) {
	s, config := stage(t, "private")
	ctx, storage := t.Context(), s.Storage()
	dir := t.TempDir()
	virsh(t, s, "pool-create-as", "data", "dir", "--target", dir)
	virsh(t, s, "pool-create-as", "same", "dir", "--target", config.pool()) // the witness of Hither's own
	for poolName, witness := range map[string]string{"data": "data", fusion.OwnPool: "same"} {
		v := must(storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: poolName, Name: "v", CapacityBytes: 1 << 30}))(t)
		if v.Format != "qcow2" || v.CapacityBytes != 1<<30 || v.AllocationBytes > 1<<20 {
			t.Errorf("%s: made %+v", poolName, v)
		}
		if text := listed(t, s, witness); !strings.Contains(text, "1.00 GiB") {
			t.Errorf("virsh says %s", text)
		}
		must(storage.GrowVolume(ctx, poolName, "v", 3<<30))(t)
		if text := listed(t, s, witness); !strings.Contains(text, "3.00 GiB") {
			t.Errorf("virsh says %s", text)
		}
		_, err := storage.GrowVolume(ctx, poolName, "v", 1<<30)
		refused(t, err, fusion.ErrInvalid)
		_, err = storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: poolName, Name: "v", CapacityBytes: 1 << 30})
		refused(t, err, fusion.ErrExists)
	}

	// One that others are built on, and one in use.
	base := filepath.Join(dir, "v")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", filepath.Join(dir, "clone"))
	refused(t, storage.RemoveVolume(ctx, "data", "v"), fusion.ErrBusy)
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 64 << 20, Start: true}))(t)
	virsh(t, s, "attach-disk", "m", filepath.Join(dir, "clone"), "vdb", "--driver", "qemu", "--subdriver", "qcow2", "--persistent")
	own := filepath.Base(diskOf(t, s, must(s.Get(ctx, "m"))(t).UUID))
	refused(t, storage.RemoveVolume(ctx, fusion.OwnPool, own), fusion.ErrBusy)
	grown := must(storage.GrowVolume(ctx, fusion.OwnPool, own, 128<<20))(t)
	if grown.CapacityBytes != 128<<20 || !strings.Contains(virsh(t, s, "domblkinfo", "m", "vda"), "134217728") {
		t.Errorf("a running machine's disk: %+v", grown)
	}
	err := storage.RemoveVolume(ctx, "data", "clone") // libvirt told nobody that virsh attached it
	refused(t, err, fusion.ErrBusy)
	if !strings.HasSuffix(err.Error(), ": m") {
		t.Error(err)
	}
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	eventually(t, "it is off", func() bool { return must(s.Get(ctx, "m"))(t).State == fusion.Off })
	refused(t, storage.RemoveVolume(ctx, "data", "v"), fusion.ErrBusy)
	ok(t, s.Remove(ctx, "m"))
	ok(t, storage.RemoveVolume(ctx, "data", "clone"))
	ok(t, storage.RemoveVolume(ctx, "data", "v"))
	ok(t, storage.RemoveVolume(ctx, fusion.OwnPool, "v"))
	for _, witness := range []string{"data", "same"} {
		if text := listed(t, s, witness); strings.Contains(text, "file") {
			t.Errorf("virsh says %s", text)
		}
	}
	for _, bad := range []string{"../v", "a/b", "<v>", ".part-v"} {
		_, err := storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: "data", Name: bad, CapacityBytes: 1 << 30})
		refused(t, err, fusion.ErrInvalid)
	}

	// A pool that is gone, and one that is full.
	ok(t, os.Remove(dir))
	pools := must(storage.Pools(ctx))(t)
	if len(pools) != 3 || pools[1].Name != "data" || pools[1].State != fusion.PoolGone || pools[1].Hint == "" {
		t.Errorf("%+v", pools)
	}
	_, err = storage.Volumes(ctx, "data")
	refused(t, err, fusion.ErrInvalid)
	virsh(t, s, "pool-destroy", "same")
	full := t.TempDir()
	limited(t, full, "64m")
	virsh(t, s, "pool-define-as", "full", "dir", "--target", full)
	_, err = storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: "full", Name: "v", CapacityBytes: 1 << 20})
	refused(t, err, fusion.ErrInvalid) // it was not started
	virsh(t, s, "pool-start", "full")
	fill(t, filepath.Join(full, "filler"))
	virsh(t, s, "pool-refresh", "full")
	_, err = storage.CreateVolume(ctx, fusion.VolumeSpec{Pool: "full", Name: "v", CapacityBytes: 1 << 20})
	refused(t, err, fusion.ErrInvalid)
	t.Logf("%v (hint: %s)", err, fusion.Hint(err))
	virsh(t, s, "pool-destroy", "full")
}
