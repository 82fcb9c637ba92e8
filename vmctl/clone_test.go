package vmctl

import (
	"context"
	"encoding/xml"
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
	for _, d := range r.disks {
		paths = append(paths, d.path)
	}
	return paths
}

// pooled lists the pool, hidden files too.
func pooled(t *testing.T, s *Store) (names []string) {
	t.Helper()
	for _, e := range must(os.ReadDir(s.config.pool()))(t) {
		if !strings.HasPrefix(e.Name(), aboutPrefix) { // a note on an image
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
	if len(chain(to)) != 0 {
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
		if below := chain(path); len(below) != 1 || below[0] != base {
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
	if len(chain(third)) != 2 {
		t.Errorf("it stands on %v", chain(third))
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
	if below := chain(diskPaths(t, s, "c")[0]); len(below) != 1 || below[0] != base || frozen(f, c) {
		t.Errorf("it stands on %v\n%s", below, f.textsOf(c.UUID).next)
	}
	if now := diskPaths(t, s, "m")[0]; now != base {
		t.Errorf("the template goes on in %s", now)
	}
	full := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "full", Mode: fusion.CloneFull}))(t)
	if len(chain(diskPaths(t, s, "full")[0])) != 0 || frozen(f, full) {
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
		d.disks = slices.Clone(d.disks)
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
	change(func(d *domain) { d.ownDisks = nil })
	refused(t, clone(fusion.CloneLinked), fusion.ErrUnsupported)
	f.put(good)
	change(func(d *domain) { d.disks[0].path = "" })
	refused(t, clone(fusion.CloneFull), fusion.ErrUnsupported)
	f.put(good)
	change(func(d *domain) { d.disks[0].format = "vmdk" })
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
	d.disks = []domainDisk{{target: "vda", path: filepath.Join(s.config.pool(), files[0]), format: formatQcow2}}
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
	if len(files) != 1 || len(chain(files[0].path)) != 0 || len(c.disks[0].below()) != 1 {
		t.Errorf("%+v of %+v", files, c.disks)
	}
	remove()
	if _, err := os.Stat(files[0].path); err == nil {
		t.Error("the whole copy is left")
	}
	text := must(call(ctx, s, func(d driver) (string, error) { return d.persistent(c.uuid) }, nil))(t)
	info := must(parseDomain(standsAlone(o.Disks, func(text string) string { return text })(text)))(t)
	if len(c.bases) == 0 || len(info.bases) != 0 || len(info.ownDisks) != 1 || info.ownDisks[0] != o.Disks[0].File {
		t.Errorf("it stood on %v, and goes with %v on %v", c.bases, info.ownDisks, info.bases)
	}
}

const elsewhere = `<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>a &amp; b</name><uuid>11111111-1111-1111-1111-111111111111</uuid><genid>22222222-1111-1111-1111-111111111111</genid>
  <metadata><x:info xmlns:x="urn:x"><x:os id="debian"/></x:info><h:machine xmlns:h="urn:hither:machine:1"><h:disk>old.qcow2</h:disk></h:machine></metadata>
  <memory unit='KiB'>65536</memory><vcpu>3</vcpu>
  <sysinfo type='smbios'><system><entry name='uuid'>11111111-1111-1111-1111-111111111111</entry><entry name='serial'>s</entry></system></sysinfo>
  <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><loader type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader><nvram template='/usr/share/v'>/var/lib/n.fd</nvram></os>
  <seclabel type='dynamic' model='apparmor'/>
  <devices>
    <emulator>/usr/bin/qemu</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='/old.raw' index='1'/><backingStore/><target dev='sda' bus='sata'/><wwn>5000c50015ea71ac</wwn><serial>disk-1</serial></disk>
    <disk type='file' device='cdrom'><source file='/cd.iso'/><target dev='sdb' bus='sata'/><readonly/></disk>
    <disk type='file' device='cdrom'><source file='/p/a-11111111-seed.iso'/><target dev='sdc' bus='sata'/><readonly/></disk>
    <interface type='bridge'><mac address='52:54:00:11:11:11'/><source bridge='br0'/><target dev='vnet3'/><virtualport type='openvswitch'><parameters interfaceid='i'/></virtualport><model type='e1000e'/></interface>
    <serial type='file'><source path='/var/log/serial'/><target port='0'/></serial>
    <channel type='unix'><source mode='bind' path='/run/agent'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' port='5901' autoport='no' passwd='secret'><listen type='socket' socket='/run/vnc'/></graphics>
    <hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>
  </devices>
  <qemu:commandline><qemu:arg value='-drive=/etc/passwd'/></qemu:commandline>
</domain>`

func TestACloneOfAnyDefinitionIsAnother(t *testing.T) {
	root := must(domxml.Parse(elsewhere))(t)
	l := likeness{name: "c", uuid: "33333333-3333-3333-3333-333333333333", pool: "/p & q", disks: map[string]string{"sda": "c.qcow2"}, agent: "/run/c",
		ours: machineXML{Disks: []string{"c.qcow2"}, Key: "k", Bases: []string{"b.qcow2"}}}
	ok(t, l.become(root))
	text := root.String()
	for _, never := range []string{"11111111-1", "22222222-1", "52:54:00", "vnet3", "old.qcow2", "/old.raw", "/run/agent", "/run/vnc", "5901", "/var/log/serial", "/var/lib/n.fd", "wwn", "interfaceid", "seed.iso"} {
		if strings.Contains(text, never) {
			t.Errorf("it still has %s:\n%s", never, text)
		}
	}
	for _, still := range []string{`<x:os id="debian"/>`, `cache="none"`, "<serial>disk-1</serial>", "/cd.iso", `bridge="br0"`, `path="/run/c"`, "qemu:commandline", `<hostdev`} {
		if !strings.Contains(text, still) {
			t.Errorf("it lost %s:\n%s", still, text)
		}
	}
	info := must(parseDomain(text))(t)
	name, uuid := nameAndUUID(text)
	if name != "c" || uuid != l.uuid || info.cpus != 3 || info.memoryBytes != 64<<20 || info.key != "k" || !slices.Equal(info.bases, []string{"b.qcow2"}) ||
		len(info.disks) != 1 || info.disks[0].path != "/p & q/c.qcow2" || info.disks[0].format != formatQcow2 || len(info.inserted) != 1 {
		t.Errorf("%s %s %+v", name, uuid, info)
	}
}

// TestTreeKeepsWhatItDoesNotKnow: a definition that is read and written says the same.
func TestTreeKeepsWhatItDoesNotKnow(t *testing.T) {
	once := must(domxml.Parse(elsewhere))(t).String()
	if twice := must(domxml.Parse(once))(t).String(); twice != once {
		t.Errorf("%s\n%s", once, twice)
	}
	ok(t, xml.Unmarshal([]byte(once), new(struct{})))
}
