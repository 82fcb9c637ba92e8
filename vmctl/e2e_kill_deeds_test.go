//go:build e2e && linux

package vmctl

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// newKilling makes what the deeds are done to: m, off, with a disk that takes a while to
// copy; off, which is so too and has two disks; and on, which counts. Both of them have a
// snapshot, base.
func newKilling(t *testing.T) *killing {
	s, config := stage(t, "private")
	k := &killing{stage: t, t: t, s: s, config: config, images: []string{"base.img", "counter.img"}}
	ctx := t.Context()
	base := rawDisk(32 << 20)
	base[510] = 0 // nothing boots it, so nothing writes to its copies
	ok(t, os.WriteFile(filepath.Join(config.pool(), "base.img"), base, 0o600))
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, Image: "base.img"}))(t)
	k.File = filepath.Join(t.TempDir(), "m.tar")
	ok(t, os.WriteFile(k.File, exportedBytes(t, s, "m", fusion.Bundle), 0o600))
	must(s.Create(ctx, fusion.MachineSpec{Name: "off", MemoryBytes: 64 << 20, DiskBytes: 16 << 20}))(t)
	must(s.Change(ctx, "off", fusion.Change{Kind: fusion.AddDisk, Bytes: 16 << 20}))(t)
	counting(t, s, "on")
	k.letters("off", "a")
	k.pools = map[string]string{fusion.OwnPool: config.pool(), "data": t.TempDir()}
	virsh(t, s, "pool-define-as data dir --target "+k.pools["data"]+"; pool-autostart data; pool-start data")
	for _, name := range []string{"off", "on"} {
		must(s.TakeSnapshot(ctx, name, fusion.SnapshotSpec{Name: "base"}))(t)
	}
	k.machines = []string{"m", "off", "on"}
	far := rawDisk(16 << 20)
	k.far = sumOfBytes(far)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(&slowly{ResponseWriter: w}, r, "", time.Time{}, bytes.NewReader(far))
	}))
	t.Cleanup(slow.Close)
	k.URL = slow.URL + "/far.img"
	return k
}

// slowly is a path of about 40 MB/s.
type slowly struct{ http.ResponseWriter }

func (s *slowly) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(len(p)) * 25 * time.Nanosecond)
	return s.ResponseWriter.Write(p)
}

var deeds = []deed{
	{
		name: "create",
		do: func(ctx context.Context, s *Store, o errand) error {
			_, err := s.Create(ctx, fusion.MachineSpec{Name: o.Name, MemoryBytes: 64 << 20, Image: "base.img", DiskBytes: 40 << 20, Start: true, Seed: &fusion.Seed{}})
			return err
		},
		after: func(k *killing, d deed) bool { return k.once(d, filepath.Join(k.config.pool(), "base.img")) },
	},
	{
		name: "clone",
		do: func(ctx context.Context, s *Store, o errand) error {
			_, err := s.Clone(ctx, "m", fusion.CloneSpec{Name: o.Name, Mode: fusion.CloneFull})
			return err
		},
		after: func(k *killing, d deed) bool { return k.once(d, diskNow(k.t, k.s, "m")) },
	},
	{
		name: "link",
		before: func(k *killing) { // its disk gets a layer of its own with its first clone
			must(k.s.Create(k.t.Context(), fusion.MachineSpec{Name: "l", MemoryBytes: 64 << 20, DiskBytes: 8 << 20}))(k.t)
			run(k.t, "qemu-io", "-f", "qcow2", "-c", "write -P 5 1M 2M", diskNow(k.t, k.s, "l"))
			k.machines = []string{"l", "m", "off", "on"}
		},
		do: func(ctx context.Context, s *Store, o errand) error {
			_, err := s.Clone(ctx, "l", fusion.CloneSpec{Name: o.Name, Mode: fusion.CloneLinked})
			return err
		},
		after: func(k *killing, d deed) bool {
			done := k.once(d, diskNow(k.t, k.s, "l"))
			k.tidy()
			ok(k.t, k.s.Remove(k.t.Context(), "l"))
			k.machines = []string{"m", "off", "on"}
			return done
		},
	},
	{
		name: "import",
		do: func(ctx context.Context, s *Store, o errand) error {
			f, err := os.Open(o.File)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = s.Import(ctx, fusion.ImportSpec{Name: o.Name}, -1, f)
			return err
		},
		after: func(k *killing, d deed) bool { return k.once(d, diskNow(k.t, k.s, "m")) },
	},
	{
		name: "export",
		do: func(ctx context.Context, s *Store, _ errand) error {
			e, err := s.Export(ctx, "m", fusion.Bundle)
			if err != nil {
				return err
			}
			return e.Close()
		},
		after: func(k *killing, d deed) bool {
			ok(k.t, d.do(k.context(), k.s, k.errand))
			return true
		},
	},
	{
		name: "download",
		do: func(ctx context.Context, s *Store, o errand) error {
			_, err := s.Images().Fetch(ctx, fusion.FetchSpec{From: o.URL})
			return err
		},
		after: afterDownload,
	},
	{
		name: "remove",
		before: func(k *killing) {
			must(k.s.Create(k.t.Context(), fusion.MachineSpec{Name: k.Name, MemoryBytes: 64 << 20, DiskBytes: 1 << 20, Seed: &fusion.Seed{}}))(k.t)
		},
		do: func(ctx context.Context, s *Store, o errand) error { return s.Remove(ctx, o.Name) },
		after: func(k *killing, d deed) bool {
			_, err := k.s.Get(k.t.Context(), k.Name)
			if err == nil {
				ok(k.t, d.do(k.context(), k.s, k.errand))
			}
			return errors.Is(err, fusion.ErrNotFound)
		},
	},
	{
		name: "add a disk",
		do: func(ctx context.Context, s *Store, _ errand) error {
			_, err := s.Change(ctx, "m", fusion.Change{Kind: fusion.AddDisk, Bytes: 1 << 20})
			return err
		},
		after: func(k *killing, d deed) bool {
			disks := func() int { return strings.Count(virsh(k.t, k.s, "domblklist", "--details", "m"), " disk ") }
			done := disks() == 2
			if !done {
				ok(k.t, d.do(k.context(), k.s, k.errand))
			}
			k.tidy()
			must(k.s.Change(k.t.Context(), "m", fusion.Change{Kind: fusion.RemoveDisk, Disk: "vdb"}))(k.t)
			if n := disks(); n != 1 {
				k.t.Errorf("it has %d disks", n)
			}
			return done
		},
	},
	making(fusion.OwnPool), making("data"),
	snapping("on"), snapping("off"), forgetting("on"), forgetting("off"), reverting("on"), reverting("off"),
	{
		name: "save",
		do:   func(ctx context.Context, s *Store, _ errand) error { return s.Save(ctx, "on") },
		after: func(k *killing, d deed) bool {
			state := k.rests("on")
			if state != fusion.Saved {
				ok(k.t, d.do(k.context(), k.s, k.errand))
			}
			ok(k.t, k.s.Do(k.t.Context(), "on", fusion.Start))
			k.goesOn()
			return state == fusion.Saved
		},
	},
}

// afterDownload: the image is there whole, or what has come is kept out of sight.
func afterDownload(k *killing, d deed) bool {
	list := must(k.s.Images().List(k.t.Context()))(k.t)
	done := slices.ContainsFunc(list, func(i fusion.Image) bool { return i.Name == "far.img" })
	ok(k.t, d.do(k.context(), k.s, k.errand))
	if sum := sumOfBytes(must(os.ReadFile(filepath.Join(k.config.pool(), "far.img")))(k.t)); sum != k.far {
		k.t.Errorf("what came has the sum %s", sum)
	}
	ok(k.t, k.s.Images().Remove(k.t.Context(), "far.img"))
	return done
}

// making makes a volume in a pool of Hither's or libvirt's.
func making(pool string) deed {
	return deed{
		name: "make a volume in " + pool,
		do: func(ctx context.Context, s *Store, o errand) error {
			_, err := s.Storage().CreateVolume(ctx, fusion.VolumeSpec{Pool: pool, Name: o.Name, CapacityBytes: 1 << 30})
			return err
		},
		after: func(k *killing, d deed) bool {
			var list []fusion.Volume
			eventually(k.t, "libvirt is done with it", func() bool {
				var err error
				list, err = k.s.Storage().Volumes(k.t.Context(), pool)
				return err == nil
			})
			done := slices.ContainsFunc(list, func(v fusion.Volume) bool { return v.Name == k.Name })
			if err := d.do(k.context(), k.s, k.errand); done {
				refused(k.t, err, fusion.ErrExists)
			} else {
				ok(k.t, err)
			}
			run(k.t, "qemu-img", "check", "-q", "-f", "qcow2", filepath.Join(k.pools[pool], k.Name))
			ok(k.t, k.s.Storage().RemoveVolume(k.t.Context(), pool, k.Name))
			if left := must(os.ReadDir(k.pools["data"]))(k.t); len(left) != 0 {
				k.t.Errorf("libvirt's pool has %v", left)
			}
			return done
		},
	}
}

func snapping(machine string) deed {
	return deed{
		name: "take a snapshot of " + machine,
		do: func(ctx context.Context, s *Store, o errand) error {
			_, err := s.TakeSnapshot(ctx, machine, fusion.SnapshotSpec{Name: o.Name})
			return err
		},
		after: func(k *killing, d deed) bool {
			k.rests(machine)
			done := k.listed(machine)
			k.agree(machine)
			if err := d.do(k.context(), k.s, k.errand); done {
				refused(k.t, err, fusion.ErrExists)
			} else {
				ok(k.t, err)
			}
			k.goesOn()
			ok(k.t, k.s.RemoveSnapshot(k.t.Context(), machine, k.Name))
			k.agree(machine)
			return done
		},
	}
}

func forgetting(machine string) deed {
	return deed{
		name: "remove a snapshot of " + machine,
		before: func(k *killing) {
			must(k.s.TakeSnapshot(k.t.Context(), machine, fusion.SnapshotSpec{Name: k.Name}))(k.t)
		},
		do: func(ctx context.Context, s *Store, o errand) error { return s.RemoveSnapshot(ctx, machine, o.Name) },
		after: func(k *killing, d deed) bool {
			k.rests(machine)
			done := !k.listed(machine)
			k.agree(machine)
			if !done {
				ok(k.t, d.do(k.context(), k.s, k.errand))
			}
			k.agree(machine)
			k.goesOn()
			return done
		},
	}
}

func reverting(machine string) deed {
	return deed{
		name:   "revert " + machine,
		before: func(k *killing) { k.letters("off", "b") },
		do:     func(ctx context.Context, s *Store, _ errand) error { return s.RevertSnapshot(ctx, machine, "base") },
		after: func(k *killing, d deed) bool {
			state := k.rests(machine)
			k.agree(machine)
			done := machine == "on" && state == fusion.Running
			if machine == "off" {
				done = k.hasLetters("off") == "a"
			}
			ok(k.t, d.do(k.context(), k.s, k.errand))
			if machine == "off" && k.hasLetters("off") != "a" {
				k.t.Error("its disks are not as they were")
			}
			k.goesOn()
			return done
		},
	}
}

// listed says whether libvirt lists the round's snapshot.
func (k *killing) listed(machine string) bool {
	k.t.Helper()
	_, is := named(must(k.s.Snapshots(k.t.Context(), machine))(k.t), k.Name)
	return is
}

// agree asks virsh and qemu-img which snapshots there are, in libvirt's notes and in each
// disk.
func (k *killing) agree(machine string) {
	k.t.Helper()
	listed := strings.Fields(virsh(k.t, k.s, "snapshot-list", "--name", machine))
	slices.Sort(listed)
	for _, disk := range k.disks(machine) {
		var kept []string
		for line := range strings.Lines(string(must(exec.Command("qemu-img", "snapshot", "-U", "-l", disk).CombinedOutput())(k.t))) {
			if f := strings.Fields(line); len(f) > 5 && f[0] != "ID" {
				kept = append(kept, f[1])
			}
		}
		slices.Sort(kept)
		if !slices.Equal(kept, listed) {
			k.t.Errorf("libvirt lists %q, %s keeps %q", listed, disk, kept)
		}
	}
}

func (k *killing) disks(machine string) (paths []string) {
	k.t.Helper()
	for line := range strings.Lines(virsh(k.t, k.s, "domblklist", "--details", machine)) {
		if f := strings.Fields(line); len(f) == 4 && f[1] == "disk" {
			paths = append(paths, f[3])
		}
	}
	return paths
}

// letterByte is how qemu-io takes a letter.
var letterByte = map[string]string{"a": "97", "b": "98"}

// letters writes a letter to each disk of a machine that is off; hasLetters reads it, and
// it must be one for all.
func (k *killing) letters(machine, letter string) {
	k.t.Helper()
	for _, disk := range k.disks(machine) {
		run(k.t, "qemu-io", "-f", "qcow2", "-c", "write -q -P "+letterByte[letter]+" 1M 64k", disk)
	}
}

func (k *killing) hasLetters(machine string) string {
	k.t.Helper()
	seen := map[string]bool{}
	for _, disk := range k.disks(machine) {
		for _, letter := range []string{"a", "b"} {
			out, err := exec.Command("qemu-io", "-r", "-f", "qcow2", "-c", "read -q -P "+letterByte[letter]+" 1M 64k", disk).CombinedOutput()
			if err == nil && !strings.Contains(string(out), "failed") {
				seen[letter] = true
			}
		}
	}
	if len(seen) != 1 {
		k.t.Fatalf("its disks have %v", seen)
	}
	if seen["a"] {
		return "a"
	}
	return "b"
}

// rests waits until libvirt has looked after a machine, which is not stuck then, and gives
// its state.
func (k *killing) rests(machine string) (state fusion.MachineState) {
	k.t.Helper()
	eventually(k.t, machine+" rests", func() bool {
		job, err := exec.Command("virsh", "-c", k.s.URI(), "domjobinfo", machine).Output() // of one that is off, an error
		if err == nil && !strings.Contains(string(job), "None") {
			return false
		}
		state = must(k.s.Get(k.t.Context(), machine))(k.t).State
		return slices.Contains([]fusion.MachineState{fusion.Running, fusion.Off, fusion.Saved}, state)
	})
	return state
}

// goesOn checks that the machine that counts does.
func (k *killing) goesOn() {
	k.t.Helper()
	eventually(k.t, "on runs", func() bool { return must(k.s.Get(k.t.Context(), "on"))(k.t).State == fusion.Running })
	now := inMemory(k.t, k.s, "on")
	eventually(k.t, "on counts", func() bool { return inMemory(k.t, k.s, "on") > now })
}
