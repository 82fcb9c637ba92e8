//go:build e2e && machines && linux

package vmctl

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	systems "hither/internal/guest"
)

// standsOn is what qemu-img says that a disk stands on.
func standsOn(t *testing.T, path string) string {
	t.Helper()
	out := must(exec.Command("qemu-img", "info", "-U", path).CombinedOutput())(t)
	for line := range strings.Lines(string(out)) {
		if base, is := strings.CutPrefix(line, "backing file: "); is {
			return strings.TrimSpace(base)
		}
	}
	return ""
}

// onlyDisk is the file of a machine's one disk.
func onlyDisk(t *testing.T, s *Store, name string) string {
	t.Helper()
	r := must(s.fresh(t.Context(), "test", name, must(s.find(t.Context(), "test", name))(t)))(t)
	if len(r.Disks) != 1 {
		t.Fatalf("%s has %d disks", name, len(r.Disks))
	}
	return r.Disks[0].Path
}

// TestALinkedCloneMovesWhole: off, and back while it runs; its origin stays.
func TestALinkedCloneMovesWhole(t *testing.T) {
	a, b, _, _ := between(t)
	systems.Counter(t, filepath.Join(a.config.pool(), "count.img"), 32<<20)
	ctx := t.Context()
	must(a.Create(ctx, fusion.MachineSpec{Name: "origin", MemoryBytes: 32 << 20, Image: "count.img"}))(t)
	must(a.Clone(ctx, "origin", fusion.CloneSpec{Name: "c", Mode: fusion.CloneLinked}))(t)
	if standsOn(t, onlyDisk(t, a, "c")) == "" {
		t.Fatal("the clone is not linked")
	}
	before := filepath.Join(t.TempDir(), "before.raw")
	run(t, "qemu-img", "convert", "-O", "raw", onlyDisk(t, a, "c"), before)
	refused(t, a.Migrate(ctx, "origin", "b", fusion.MigrateOptions{}), fusion.ErrBusy)

	ok(t, a.Migrate(ctx, "c", "b", fusion.MigrateOptions{}))
	there := onlyDisk(t, b, "c")
	if base := standsOn(t, there); base != "" {
		t.Errorf("there it stands on %s", base)
	}
	run(t, "qemu-img", "compare", "-f", "raw", "-F", "qcow2", before, there)
	ok(t, a.Remove(ctx, "origin")) // nothing stands on it any more

	// Another one, linked, and running.
	must(b.Clone(ctx, "c", fusion.CloneSpec{Name: "d", Mode: fusion.CloneLinked}))(t)
	events := watch(t, b)
	ok(t, b.Do(ctx, "d", fusion.Start))
	events.await(t, "d running")
	ok(t, b.Migrate(ctx, "d", "a", fusion.MigrateOptions{}))
	if base := standsOn(t, onlyDisk(t, a, "d")); base != "" {
		t.Errorf("back it stands on %s", base)
	}
	if m := must(a.Get(ctx, "d"))(t); m.State != fusion.Running {
		t.Errorf("it is %s", m.State)
	}
	ok(t, a.Do(ctx, "d", fusion.ForceOff))
	eventually(t, "it is off", func() bool { return must(a.Get(ctx, "d"))(t).State == fusion.Off })
	run(t, "qemu-img", "check", "-q", onlyDisk(t, a, "d"))
	ok(t, a.Do(ctx, "d", fusion.Start)) // its definition is sound without what it stood on
	ok(t, a.Do(ctx, "d", fusion.ForceOff))
	ok(t, b.Remove(ctx, "c"))
	if n := pending(t, a) + pending(t, b); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}

// TestLibvirtComparesProcessors: with machines as Create makes them, and such as cannot be.
func TestLibvirtComparesProcessors(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 32 << 20, DiskBytes: 1 << 20, Start: true}))(t)
	r := must(s.shown(ctx, "test", "m"))(t)
	n := must(s.needs(ctx, r, false))(t)
	t.Logf("it needs %+v", n)
	text := must(call(ctx, s, func(d driver) (string, error) { return d.definition(r.uuid, true) }, nil))(t)
	why := func(do func(d driver) (string, error)) string {
		t.Helper()
		return must(call(ctx, s, do, nil))(t)
	}
	if n.Arch != "x86_64" || n.Machine == "" || n.Kind == "" {
		t.Errorf("it needs %+v", n)
	}
	if said := why(func(d driver) (string, error) { return d.canRun(n.Kind, n.Arch, n.Machine) }); said != "" {
		t.Errorf("it runs, and cannot: %s", said)
	}
	if said := why(func(d driver) (string, error) { return d.canRun(n.Kind, n.Arch, "pc-q35-0.1") }); !strings.Contains(said, "pc-q35-0.1") {
		t.Errorf("a type of machine that never was: %q", said)
	}
	cpu := cpuElement.FindString(text)
	if said := why(func(d driver) (string, error) { return d.hasCPU(n.Kind, n.Arch, n.Machine, cpu) }); said != "" {
		t.Errorf("its own processor %s: %s", cpu, said)
	}
	far := "<cpu mode='custom' match='exact'><model>Nehalem</model><feature policy='require' name='avx512f'/></cpu>"
	said := why(func(d driver) (string, error) { return d.hasCPU("qemu", n.Arch, n.Machine, far) })
	if !strings.Contains(said, "avx512f") {
		t.Errorf("emulation has no AVX-512, and libvirt says %q", said)
	}
	t.Logf("libvirt says: %s", said)
	host := must(call(ctx, s, func(d driver) (string, error) { return d.hostCPU() }, nil))(t)
	if !strings.HasPrefix(host, "<cpu>") || !strings.Contains(host, "<model>") {
		t.Errorf("the host's processor is %q", host)
	}
	if said := why(func(d driver) (string, error) { return d.hasCPU("kvm", n.Arch, n.Machine, host) }); said != "" {
		t.Logf("of the host's own processor under KVM, which is not here: %s", said)
	}
}
