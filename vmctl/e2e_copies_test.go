//go:build e2e && linux

package vmctl

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagepool"
)

// counterOf makes a machine that counts on its disk (e2e_snapshot_test.go), off.
func counterOf(t *testing.T, s *Store, name string) fusion.Machine {
	t.Helper()
	image := counter()
	ok(t, s.Upload(t.Context(), name+".img", int64(len(image)), bytes.NewReader(image)))
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: name, MemoryBytes: 64 << 20, Image: name + ".img"}))(t)
	ok(t, os.Remove(filepath.Join(s.config.pool(), name+".img")))
	return m
}

// counted reads how far the guest of a machine that is off has counted.
func counted(t *testing.T, s *Store, name string) int {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	run(t, "qemu-img", "dd", "-f", "qcow2", "-O", "raw", "bs=512", "count=2", "if="+diskNow(t, s, name), "of="+raw)
	data := must(os.ReadFile(raw))(t)
	return int(data[512]) | int(data[513])<<8 | int(data[514])<<16
}

func TestFullCloneIsTheSame(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	m := counterOf(t, s, "m")
	c := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}))(t)
	run(t, "qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", diskNow(t, s, "m"), diskNow(t, s, "c"))
	ours, theirs := virsh(t, s, "dumpxml", "m"), virsh(t, s, "dumpxml", "c")
	for _, once := range []string{m.UUID, macIn(t, ours)} {
		if strings.Contains(theirs, once) {
			t.Errorf("the clone has %s too", once)
		}
	}
	if out := strings.TrimSpace(virsh(t, s, "domuuid", "c")); out != c.UUID {
		t.Errorf("virsh says %s, Hither %s", out, c.UUID)
	}
	ok(t, s.Do(ctx, "m", fusion.Start))
	_, err := s.Clone(ctx, "m", fusion.CloneSpec{Name: "d"})
	refused(t, err, fusion.ErrInvalid)
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	ok(t, s.Remove(ctx, "m"))
	ok(t, s.Do(ctx, "c", fusion.Start))
	eventually(t, "the clone counts", func() bool { return inMemory(t, s, "c") > 3 })
}

func macIn(t *testing.T, definition string) string {
	t.Helper()
	_, rest, _ := strings.Cut(definition, "<mac address='")
	mac, _, ok := strings.Cut(rest, "'")
	if !ok {
		t.Fatalf("no network address in\n%s", definition)
	}
	return mac
}

// TestLinkedCloneAtOnce clones a machine with an image of 2 GiB, and lets all run.
func TestLinkedCloneAtOnce(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	counterOf(t, s, "m")
	run(t, "qemu-img", "resize", "-q", "-f", "qcow2", "--preallocation=falloc", diskNow(t, s, "m"), "2G") // as if it were full
	clones := []string{"c1", "c2", "c3", "c4", "c5"}
	var took []time.Duration
	for _, c := range clones {
		start := time.Now()
		must(s.Clone(ctx, "m", fusion.CloneSpec{Name: c, Mode: fusion.CloneLinked}))(t)
		took = append(took, time.Since(start).Round(time.Millisecond))
	}
	t.Logf("linked clones of 2 GiB: %v", took)
	if best := slices.Min(took); best > 200*time.Millisecond { // the computer is busy with other tests
		t.Errorf("they take %v", best)
	}
	all := []string{"m", "c1", "c2"}
	for _, name := range all {
		ok(t, s.Do(ctx, name, fusion.Start))
	}
	for i, name := range all {
		eventually(t, name+" counts", func() bool { return inMemory(t, s, name) > 3+5*i })
		ok(t, s.Do(ctx, name, fusion.ForceOff))
	}
	for _, name := range all {
		if n := counted(t, s, name); n < 3 {
			t.Errorf("the disk of %s has %d", name, n)
		}
		run(t, "qemu-img", "check", "-q", "-f", "qcow2", diskNow(t, s, name))
	}
	// The clone that never ran has what the origin had.
	if n := counted(t, s, "c3"); n != 0 {
		t.Errorf("a clone that never ran has %d", n)
	}
	refused(t, s.Remove(ctx, "m"), fusion.ErrBusy)
	virsh(t, s, "domuuid", "m")
	must(s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "a"}))(t) // in its own overlay
	_, err := s.Clone(ctx, "m", fusion.CloneSpec{Name: "c6", Mode: fusion.CloneLinked})
	refused(t, err, fusion.ErrUnsupported)
	for _, name := range append(clones, "m") {
		ok(t, s.Remove(ctx, name))
	}
	if left := pooled(t, s); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestTemplateIsNotWritten(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	counterOf(t, s, "t")
	must(s.SetTemplate(ctx, "t", true))(t)
	before := must(os.ReadFile(diskNow(t, s, "t")))(t)
	for _, name := range []string{"a", "b"} {
		must(s.Clone(ctx, "t", fusion.CloneSpec{Name: name, Start: true}))(t)
		eventually(t, name+" counts", func() bool { return inMemory(t, s, name) > 3 })
	}
	refused(t, s.Do(ctx, "t", fusion.Start), fusion.ErrInvalid)
	// Another program starts it all the same: it boots and cannot write.
	if out, err := exec.CommandContext(ctx, "virsh", "-c", s.URI(), "start", "t").CombinedOutput(); err == nil {
		eventually(t, "the template runs", func() bool { return strings.Contains(virsh(t, s, "domstate", "t"), "running") })
		virsh(t, s, "destroy", "t")
	} else {
		t.Logf("virsh may not start it: %s", out)
	}
	for _, name := range []string{"a", "b"} {
		ok(t, s.Do(ctx, name, fusion.ForceOff))
	}
	if after := must(os.ReadFile(diskNow(t, s, "t")))(t); !bytes.Equal(before, after) {
		t.Error("the template's disk changed")
	}
	_, err := s.SetTemplate(ctx, "t", false)
	refused(t, err, fusion.ErrBusy)
	for _, name := range []string{"a", "b"} {
		ok(t, s.Remove(ctx, name))
	}
	must(s.SetTemplate(ctx, "t", false))(t)
	ok(t, s.Do(ctx, "t", fusion.Start))
	eventually(t, "it counts", func() bool { return inMemory(t, s, "t") > 3 })
}

// TestMachinesInFiles brings a machine into each kind of file and back.
func TestMachinesInFiles(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	counterOf(t, s, "m")
	disk := diskNow(t, s, "m")
	run(t, "qemu-io", "-f", "qcow2", "-c", "write -P 5 1M 2M", disk)
	files := map[string][]byte{
		"bundle": exportedBytes(t, s, "m", fusion.Bundle),
		"ova":    exportedBytes(t, s, "m", fusion.OVA),
	}
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"vmdk-sparse": {"-O", "vmdk"}, "vmdk-stream": {"-O", "vmdk", "-o", "subformat=streamOptimized"}, "vhdx": {"-O", "vhdx"},
		"vhd": {"-O", "vpc", "-o", "force_size=on"}, "raw": {"-O", "raw"}, "qcow2": {"-O", "qcow2", "-c"}, "qcow2-old": {"-O", "qcow2", "-o", "compat=0.10"},
	} {
		path := filepath.Join(dir, name)
		run(t, "qemu-img", append(append([]string{"convert", "-f", "qcow2"}, args...), disk, path)...)
		files[name] = must(os.ReadFile(path))(t)
	}
	for kind, data := range files {
		start := time.Now()
		m, err := s.Import(ctx, fusion.ImportSpec{Name: kind, Raw: kind == "raw", MemoryBytes: 64 << 20}, int64(len(data)), bytes.NewReader(data))
		ok(t, err)
		t.Logf("%s: %d KiB, %v", kind, len(data)>>10, time.Since(start).Round(time.Millisecond))
		run(t, "qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", disk, diskNow(t, s, kind))
		if out := strings.TrimSpace(virsh(t, s, "domuuid", kind)); out != m.UUID {
			t.Errorf("virsh says %s", out)
		}
	}
	for _, kind := range []string{"bundle", "ova"} {
		if out := virsh(t, s, "domblklist", kind); !strings.Contains(out, "vda") {
			t.Errorf("%s is not on virtio: %s", kind, out)
		}
		ok(t, s.Do(ctx, kind, fusion.Start))
		eventually(t, kind+" counts", func() bool { return inMemory(t, s, kind) > 3 })
	}
}

// TestCopiesOnAFullDisk: what does not fit says so and leaves nothing.
func TestCopiesOnAFullDisk(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	limited(t, config.pool(), "96m")
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 1 << 30}))(t)
	run(t, "qemu-io", "-f", "qcow2", "-c", "write -P 3 0 40M", diskNow(t, s, "m"))
	before := pooled(t, s)
	_, err := s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"})
	refused(t, err, fusion.ErrInvalid)
	_, err = s.Export(ctx, "m", fusion.Bundle)
	refused(t, err, fusion.ErrInvalid)
	// It is small in its file, and not on the disk.
	bomb := filepath.Join(t.TempDir(), "bomb")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", bomb+".raw", "512M")
	run(t, "qemu-io", "-f", "qcow2", "-c", "write -P 3 0 512M", bomb+".raw")
	run(t, "qemu-img", "convert", "-c", "-f", "qcow2", "-O", "qcow2", bomb+".raw", bomb)
	data := must(os.ReadFile(bomb))(t)
	_, err = importBytes(t, s, "bomb", data)
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(err.Error(), "full") || len(data) > 16<<20 {
		t.Errorf("%v; the file has %d bytes", err, len(data))
	}
	if free := must(computer.FreeBytes(config.pool()))(t); free < imagepool.Reserve/2 {
		t.Errorf("only %d bytes were left free", free)
	}
	if left := pooled(t, s); !slices.Equal(left, before) || strings.Count(virsh(t, s, "list", "--all", "--name"), "\n") != 2 {
		t.Errorf("left %v and %s", left, virsh(t, s, "list", "--all"))
	}
}
