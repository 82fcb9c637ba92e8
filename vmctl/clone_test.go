package vmctl

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// img runs qemu-img, which unit tests of disks need.
func img(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "qemu-img", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("qemu-img %s: %v: %s (install qemu-utils)", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// pattern writes something into a qcow2, at an offset in MiB.
func pattern(t *testing.T, path string, at int, letter byte) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "qemu-io", "-f", "qcow2", "-c", "write -P "+strconv.Itoa(int(letter))+" "+strconv.Itoa(at)+"M 1M", path).CombinedOutput()
	if err != nil {
		t.Fatalf("qemu-io: %v: %s (install qemu-utils)", err, out)
	}
}

// hasPattern checks what pattern wrote.
func hasPattern(t *testing.T, path string, at int, letter byte) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "qemu-io", "-r", "-f", "qcow2", "-c", "read -P "+strconv.Itoa(int(letter))+" "+strconv.Itoa(at)+"M 1M", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), "verification failed") {
		t.Errorf("%s at %d MiB is not %q: %v: %s", filepath.Base(path), at, letter, err, out)
	}
}

// frozen says whether a machine has a read-only disk beside its CD drive.
func frozen(f *fake, m fusion.Machine) bool {
	return strings.Count(f.textsOf(m.UUID).next, "<readonly/>") > 1
}

// diskPaths gives the paths of a machine's disks.
func diskPaths(t *testing.T, s *Store, name string) (paths []string) {
	t.Helper()
	r := must(s.fresh(t.Context(), "", name, must(s.find(t.Context(), "", name))(t)))(t)
	for _, d := range r.Disks {
		paths = append(paths, d.Path)
	}
	return paths
}

// pooled lists the pool, hidden files too.
func pooled(t *testing.T, s *Store) (names []string) {
	t.Helper()
	for _, e := range must(os.ReadDir(s.config.pool()))(t) {
		if !strings.HasPrefix(e.Name(), imagepool.NotePrefix) { // a note on an image
			names = append(names, e.Name())
		}
	}
	return names
}

func origin(t *testing.T) (*Store, *fake) {
	t.Helper()
	f := newFake()
	s := store(t, f)
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", DiskBytes: 8 << 20, MemoryBytes: 64 << 20}))(t)
	return s, f
}

func TestFullClone(t *testing.T) {
	s, f := origin(t)
	from := diskPaths(t, s, "m")[0]
	pattern(t, from, 1, 'a')
	var steps []fusion.Progress
	ctx := fusion.WithReporter(t.Context(), func(p fusion.Progress) { steps = append(steps, p) })
	c := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c", Start: true}))(t)
	if c.State != fusion.Running || c.UUID == f.all[must(s.find(ctx, "", "m"))(t)].uuid || len(c.Disks) != 1 || c.Disks[0].TotalBytes != 8<<20 {
		t.Errorf("%+v", c)
	}
	to := diskPaths(t, s, "c")[0]
	img(t, "compare", "-f", "qcow2", "-F", "qcow2", from, to)
	if len(imagefile.Chain(to)) != 0 {
		t.Error("a full clone stands on something")
	}
	if len(steps) == 0 || steps[len(steps)-1].Done != steps[len(steps)-1].Total || steps[0].Step == "" {
		t.Errorf("progress: %+v", steps)
	}
	ok(t, s.Do(ctx, "c", fusion.ForceOff))
	ok(t, s.Remove(ctx, "m"))
	hasPattern(t, to, 1, 'a')
	ok(t, s.Remove(ctx, "c"))
	if left := pooled(t, s); len(left) != 0 || pending(t, s) != 0 {
		t.Errorf("left: %v, %d intents", left, pending(t, s))
	}
}

// TestLinkedClonesShare: the origin and its clones write, and none sees it of another.
func TestLinkedClonesShare(t *testing.T) {
	s, _ := origin(t)
	ctx := t.Context()
	base := diskPaths(t, s, "m")[0]
	pattern(t, base, 0, 'a')
	for _, name := range []string{"c1", "c2"} {
		must(s.Clone(ctx, "m", fusion.CloneSpec{Name: name, Mode: fusion.CloneLinked}))(t)
	}
	all := map[string]string{"m": diskPaths(t, s, "m")[0], "c1": diskPaths(t, s, "c1")[0], "c2": diskPaths(t, s, "c2")[0]}
	for name, path := range all {
		if below := imagefile.Chain(path); len(below) != 1 || below[0] != base {
			t.Fatalf("%s stands on %v", name, below)
		}
	}
	for i, name := range []string{"m", "c1", "c2"} {
		pattern(t, all[name], 1, byte('x'+i))
	}
	for i, name := range []string{"m", "c1", "c2"} {
		hasPattern(t, all[name], 0, 'a')
		hasPattern(t, all[name], 1, byte('x'+i))
	}
	// The origin changed since: the next clone has that too.
	must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c3", Mode: fusion.CloneLinked}))(t)
	third := diskPaths(t, s, "c3")[0]
	hasPattern(t, third, 1, 'x')
	if len(imagefile.Chain(third)) != 2 {
		t.Errorf("it stands on %v", imagefile.Chain(third))
	}
	err := s.Remove(ctx, "m")
	refused(t, err, fusion.ErrBusy)
	for _, name := range []string{"c1", "c2", "c3"} {
		if !strings.Contains(fusion.Hint(err), name) {
			t.Errorf("the hint does not name %s: %s", name, fusion.Hint(err))
		}
		ok(t, s.Remove(ctx, name))
	}
	ok(t, s.Remove(ctx, "m"))
	if left := pooled(t, s); len(left) != 0 || pending(t, s) != 0 {
		t.Errorf("left: %v, %d intents", left, pending(t, s))
	}
}

func TestTemplateStaysAsItIs(t *testing.T) {
	s, f := origin(t)
	ctx := t.Context()
	base := diskPaths(t, s, "m")[0]
	m := must(s.SetTemplate(ctx, "m", true))(t)
	if !m.Template || len(m.Verbs) != 0 || !frozen(f, m) {
		t.Errorf("%+v\n%s", m, f.textsOf(m.UUID).next)
	}
	refused(t, s.Do(ctx, "m", fusion.Start), fusion.ErrInvalid)
	_, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "a"})
	refused(t, err, fusion.ErrInvalid)
	c := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}))(t)
	if below := imagefile.Chain(diskPaths(t, s, "c")[0]); len(below) != 1 || below[0] != base || frozen(f, c) {
		t.Errorf("it stands on %v\n%s", below, f.textsOf(c.UUID).next)
	}
	if now := diskPaths(t, s, "m")[0]; now != base {
		t.Errorf("the template goes on in %s", now)
	}
	full := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "full", Mode: fusion.CloneFull}))(t)
	if len(imagefile.Chain(diskPaths(t, s, "full")[0])) != 0 || frozen(f, full) {
		t.Errorf("%s", f.textsOf(full.UUID).next)
	}
	_, err = s.SetTemplate(ctx, "m", false)
	refused(t, err, fusion.ErrBusy)
	ok(t, s.Remove(ctx, "c"))
	m = must(s.SetTemplate(ctx, "m", false))(t)
	if m.Template || frozen(f, m) || len(m.Verbs) == 0 {
		t.Errorf("%+v\n%s", m, f.textsOf(m.UUID).next)
	}
}

func TestWhatCannotBeCloned(t *testing.T) {
	s, f := origin(t)
	ctx := t.Context()
	uuid := must(s.find(ctx, "", "m"))(t)
	clone := func(mode fusion.CloneMode) error {
		_, err := s.Clone(ctx, "m", fusion.CloneSpec{Name: "c", Mode: mode})
		return err
	}
	change := func(change func(*domain)) {
		d := f.all[uuid]
		d.Disks = slices.Clone(d.Disks)
		change(&d)
		f.put(d)
	}
	good := f.all[uuid]
	for _, state := range []fusion.MachineState{fusion.Running, fusion.Paused, fusion.Saved} {
		change(func(d *domain) { d.state, d.active = state, state != fusion.Saved })
		refused(t, clone(fusion.CloneFull), fusion.ErrInvalid)
		f.put(good)
	}
	f.kept[uuid] = []fusion.Snapshot{{Name: "a"}}
	refused(t, clone(fusion.CloneLinked), fusion.ErrUnsupported)
	ok(t, clone(fusion.CloneFull))
	ok(t, s.Remove(ctx, "c"))
	f.kept[uuid] = nil
	change(func(d *domain) { d.OwnDisks = nil })
	refused(t, clone(fusion.CloneLinked), fusion.ErrUnsupported)
	f.put(good)
	change(func(d *domain) { d.Disks[0].Path = "" })
	refused(t, clone(fusion.CloneFull), fusion.ErrUnsupported)
	f.put(good)
	change(func(d *domain) { d.Disks[0].Format = "vmdk" })
	refused(t, clone(fusion.CloneFull), fusion.ErrUnsupported)
	if left := pooled(t, s); len(left) != 1 || pending(t, s) != 0 {
		t.Errorf("left: %v, %d intents", left, pending(t, s))
	}
}

func TestCloneThatBreaksLeavesNothing(t *testing.T) {
	for _, step := range []string{"define", string(fusion.Start), "persistent"} {
		s, f := origin(t)
		f.refuses(step, &driverError{errHypervisor, "no"})
		_, err := s.Clone(t.Context(), "m", fusion.CloneSpec{Name: "c", Start: true})
		if !errors.Is(err, errHypervisor) {
			t.Errorf("%s: %v", step, err)
		}
		if left := pooled(t, s); len(left) != 1 || len(f.all) != 1 || pending(t, s) != 0 {
			t.Errorf("%s: left %v, %d domains, %d intents", step, left, len(f.all), pending(t, s))
		}
	}
	s, f := origin(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := pooled(t, s); len(left) != 1 || len(f.all) != 1 {
		t.Errorf("left %v", left)
	}
}

// TestHalfALayer: the overlay of a machine that a killed node left goes if the
// machine's definition does not name it, and stays if it does.
func TestHalfALayer(t *testing.T) {
	s, f := origin(t)
	uuid := must(s.find(t.Context(), "", "m"))(t)
	files := []string{nthDisk("m", uuid, 1), nthDisk("m", uuid, 2)}
	for _, file := range files {
		ok(t, os.WriteFile(filepath.Join(s.config.pool(), file), nil, 0o600))
	}
	d := f.all[uuid]
	d.Disks = []domxml.Disk{{Target: "vda", Path: filepath.Join(s.config.pool(), files[0]), Format: imagefile.Qcow2}}
	f.put(d)
	_, _, err := s.intend(intent{Op: opClone, Name: "m", UUID: uuid, Files: files, Layer: true})
	ok(t, err)
	ok(t, s.Close())
	s = must(Open(t.Context(), s.config))(t)
	defer s.Close()
	if !there(filepath.Join(s.config.pool(), files[0])) || there(filepath.Join(s.config.pool(), files[1])) || pending(t, s) != 0 {
		t.Errorf("the pool has %v, %d intents", pooled(t, s), pending(t, s))
	}
}

func TestOneKeyMakesOneClone(t *testing.T) {
	s, f := origin(t)
	ctx := fusion.WithKey(t.Context(), "k1")
	first := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}))(t)
	second := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}))(t)
	if first.UUID != second.UUID || len(f.all) != 2 {
		t.Errorf("%s and %s, %d domains", first.UUID, second.UUID, len(f.all))
	}
	_, err := s.Clone(ctx, "m", fusion.CloneSpec{Name: "other"})
	refused(t, err, fusion.ErrInvalid)
}

// TestLinkedMachinesMoveWhole: a clone does, and what it stands on stays.
func TestLinkedMachinesMoveWhole(t *testing.T) {
	s, _ := origin(t)
	ctx := t.Context()
	must(s.SetTemplate(ctx, "m", true))(t)
	must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}))(t)
	known := func(name string) record {
		return must(s.fresh(ctx, "", name, must(s.find(ctx, "", name))(t)))(t)
	}
	_, err := s.offer(ctx, known("m"), fusion.MigrateOptions{})
	refused(t, err, fusion.ErrBusy)
	c := known("c")
	o := must(s.offer(ctx, c, fusion.MigrateOptions{}))(t)
	files, remove, err := s.whole(ctx, o)
	ok(t, err)
	if len(files) != 1 || len(imagefile.Chain(files[0].path)) != 0 || len(below(c.Disks[0])) != 1 {
		t.Errorf("%+v of %+v", files, c.Disks)
	}
	remove()
	if _, err := os.Stat(files[0].path); err == nil {
		t.Error("the whole copy is left")
	}
	text := must(call(ctx, s, func(d driver) (string, error) { return d.persistent(c.uuid) }, nil))(t)
	info := must(domxml.ReadInfo(standsAlone(o.Disks, func(text string) string { return text })(text)))(t)
	if len(c.Bases) == 0 || len(info.Bases) != 0 || len(info.OwnDisks) != 1 || info.OwnDisks[0] != o.Disks[0].File {
		t.Errorf("it stood on %v, and goes with %v on %v", c.Bases, info.OwnDisks, info.Bases)
	}
}
