//go:build e2e && linux

package vmctl

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// counter is a boot sector that counts in memory at 0x7e00, 18 times a second,
// and writes the number to the second sector of its disk each time.
func counter() []byte {
	sector := make([]byte, 4<<20) // SeaBIOS boots no smaller disk
	copy(sector, []byte{
		0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, // xor ax,ax; mov ds,ax; mov ss,ax; mov sp,7c00
		0xfb, 0xf4, // again: sti; hlt
		0x66, 0xff, 0x06, 0x00, 0x7e, // inc dword [7e00]
		0xbe, 0x1c, 0x7c, 0xb2, 0x80, 0xb8, 0x00, 0x43, 0xcd, 0x13, // mov si,packet; mov dl,80; mov ax,4300; int 13
		0xeb, 0xed, // jmp again
		0x10, 0, 1, 0, 0x00, 0x7e, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, // packet: one sector from 0:7e00 to sector 1
	})
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}

// counting makes a machine that counts, and waits until it does.
func counting(t *testing.T, s *Store, name string) fusion.Machine {
	t.Helper()
	image := counter()
	ok(t, s.Upload(t.Context(), "counter.img", int64(len(image)), bytes.NewReader(image)))
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: name, MemoryBytes: 64 << 20, Image: "counter.img", Start: true}))(t)
	eventually(t, "the guest counts", func() bool { return inMemory(t, s, name) > 3 })
	return m
}

// virsh is the independent witness.
func virsh(t *testing.T, s *Store, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "virsh", append([]string{"-c", s.URI()}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("virsh %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// inMemory reads the number in the guest's memory.
func inMemory(t *testing.T, s *Store, name string) int {
	t.Helper()
	out := virsh(t, s, "qemu-monitor-command", name, "--hmp", "xp /1wx 0x7e00")
	_, word, _ := strings.Cut(strings.TrimSpace(out), ": 0x")
	return int(must(strconv.ParseUint(word, 16, 32))(t))
}

// onDisk reads the number on the disk of a machine that is off.
func onDisk(t *testing.T, s *Store, uuid string) int {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	run(t, "qemu-img", "convert", "-O", "raw", diskOf(t, s, uuid), raw)
	data := must(os.ReadFile(raw))(t)
	return int(binary.LittleEndian.Uint32(data[512:]))
}

func diskOf(t *testing.T, s *Store, uuid string) string {
	t.Helper()
	files := must(filepath.Glob(filepath.Join(s.config.pool(), "*-"+head(uuid)+"-*.qcow2")))(t)
	if len(files) != 1 {
		t.Fatalf("disks: %v", files)
	}
	return files[0]
}

// diskNow gives the disk that virsh says a machine has.
func diskNow(t *testing.T, s *Store, name string) string {
	t.Helper()
	for line := range strings.Lines(virsh(t, s, "domblklist", "--details", name)) {
		if f := strings.Fields(line); len(f) == 4 && f[1] == "disk" {
			return f[3]
		}
	}
	t.Fatalf("%s has no disk", name)
	return ""
}

// agrees checks the tree that Hither tells against virsh's; want is virsh's
// drawing with its blanks and bars cut.
func agrees(t *testing.T, s *Store, name, want string) {
	t.Helper()
	list := must(s.Snapshots(t.Context(), name))(t)
	var ours, current []string
	for i, depth := range fusion.SnapshotDepth(list) {
		ours = append(ours, strings.Repeat("-", depth)+list[i].Name)
		if list[i].Current {
			current = append(current, list[i].Name)
		}
	}
	if got := strings.Join(ours, " "); got != want {
		t.Errorf("Hither says %q, want %q", got, want)
	}
	var theirs []string
	for line := range strings.Lines(virsh(t, s, "snapshot-list", "--tree", name)) {
		depth := strings.IndexFunc(line, func(r rune) bool { return !strings.ContainsRune(" |+-\n", r) })
		if depth >= 0 {
			theirs = append(theirs, strings.Repeat("-", (depth-1)/4)+strings.TrimSpace(line[depth:]))
		}
	}
	if got := strings.Join(theirs, " "); got != want {
		t.Errorf("virsh says %q, want %q", got, want)
	}
	if len(current) > 0 && strings.TrimSpace(virsh(t, s, "snapshot-current", "--name", name)) != strings.Join(current, " ") {
		t.Errorf("virsh has another current snapshot than %q", current)
	}
}

func TestSnapshotsOfARunningMachine(t *testing.T) {
	s, config := stage(t, "private")
	ctx, events := t.Context(), watch(t, s)
	m := counting(t, s, "counts")
	take := func(name string) fusion.Snapshot {
		t.Helper()
		start := time.Now()
		got := must(s.TakeSnapshot(ctx, "counts", fusion.SnapshotSpec{Name: name, Note: "note of " + name}))(t)
		t.Logf("%s took %v", name, time.Since(start).Round(time.Millisecond))
		return got
	}
	ok(t, s.Do(ctx, "counts", fusion.Pause))
	first := inMemory(t, s, "counts")
	if a := take("a"); a.State != fusion.Paused || !a.Memory || a.Note != "note of a" {
		t.Errorf("%+v", a)
	}
	agrees(t, s, "counts", "a")
	ok(t, s.Do(ctx, "counts", fusion.Resume))
	eventually(t, "it counts on", func() bool { return inMemory(t, s, "counts") > first+10 })
	if b := take("b"); b.State != fusion.Running || !b.Memory || b.Parent != "a" {
		t.Errorf("%+v", b)
	}
	second := inMemory(t, s, "counts")
	eventually(t, "it counts on after a snapshot", func() bool { return inMemory(t, s, "counts") > second+200 })
	take("c")
	agrees(t, s, "counts", "a -b --c")

	events.await(t, "counts running")
	start, pid := time.Now(), qemuPID(m.UUID)
	ok(t, s.RevertSnapshot(ctx, "counts", "a"))
	t.Logf("revert took %v; QEMU was %d and is %d", time.Since(start).Round(time.Millisecond), pid, qemuPID(m.UUID))
	events.await(t, "counts paused")
	if now := inMemory(t, s, "counts"); now != first {
		t.Errorf("the memory has %d, was %d", now, first)
	}
	agrees(t, s, "counts", "a -b --c")
	ok(t, s.RevertSnapshot(ctx, "counts", "b"))
	events.await(t, "counts running")
	if now := inMemory(t, s, "counts"); now <= first || now > second+150 {
		t.Errorf("the memory has %d, between %d and %d is right", now, first, second+150)
	}
	ok(t, s.RemoveSnapshot(ctx, "counts", "b"))
	agrees(t, s, "counts", "a -c")

	// The disk went back with the memory.
	ok(t, s.RevertSnapshot(ctx, "counts", "a"))
	ok(t, s.Do(ctx, "counts", fusion.ForceOff))
	events.await(t, "counts off")
	if now := onDisk(t, s, m.UUID); now != first && now != first-1 {
		t.Errorf("the disk has %d, the memory had %d", now, first)
	}
	if d := take("d"); d.State != fusion.Off || d.Memory || d.Parent != "a" {
		t.Errorf("%+v", d)
	}
	agrees(t, s, "counts", "a -c -d")
	ok(t, s.RevertSnapshot(ctx, "counts", "c")) // from off to running
	events.await(t, "counts running")
	if now := inMemory(t, s, "counts"); now <= second+200 {
		t.Errorf("the memory has %d, and had more than %d", now, second+200)
	}
	ok(t, s.RevertSnapshot(ctx, "counts", "d")) // from running to off
	events.await(t, "counts off")

	ok(t, s.Remove(ctx, "counts"))
	if left := filesBelow(t, filepath.Join(config.Dir, "libvirt"), "counts"); len(left) != 0 {
		t.Errorf("the removed machine left %v", left)
	}
	again := must(s.Create(ctx, fusion.MachineSpec{Name: "counts", MemoryBytes: 64 << 20, DiskBytes: 1 << 20}))(t)
	if list := must(s.Snapshots(ctx, again.Name))(t); len(list) != 0 {
		t.Errorf("a new machine has %+v", list)
	}
}

// filesBelow gives the XML files of a domain in libvirt's directories.
func filesBelow(t *testing.T, dir, name string) (files []string) {
	t.Helper()
	ok(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".xml") && strings.Contains(path, "/"+name) {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// TestSnapshotsMadeElsewhere: what virsh makes is shown and can be used; a CD is
// left out, a raw disk refused.
func TestSnapshotsMadeElsewhere(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	ok(t, os.WriteFile(filepath.Join(config.pool(), "cd.iso"), make([]byte, 1<<20), 0o600))
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 1 << 30, ISO: "cd.iso", Start: true}))(t)
	virsh(t, s, "snapshot-create-as", "m", "odd name <x>", "a note")
	list := must(s.Snapshots(ctx, "m"))(t)
	if len(list) != 1 || list[0].Note != "a note" || !list[0].Memory || fusion.CheckName(list[0].Name) != nil {
		t.Fatalf("%+v", list)
	}
	ours := must(s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "ours"}))(t)
	if ours.Parent != list[0].Name {
		t.Errorf("%+v", ours)
	}
	_, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "bare", NoMemory: true})
	refused(t, err, fusion.ErrUnsupported)
	ok(t, s.RevertSnapshot(ctx, "m", list[0].Name))
	ok(t, s.RemoveSnapshot(ctx, "m", list[0].Name))
	agrees(t, s, "m", "ours")

	raw := filepath.Join(config.pool(), "raw.img")
	run(t, "qemu-img", "create", "-q", "-f", "raw", raw, "16M")
	virsh(t, s, "attach-disk", "m", raw, "vdb", "--driver", "qemu", "--subdriver", "raw", "--persistent")
	eventually(t, "the disk is seen", func() bool {
		_, err = s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "no"})
		return err != nil
	})
	refused(t, err, fusion.ErrUnsupported)
	if !strings.Contains(fusion.Hint(err), "qcow2") {
		t.Errorf("%v (hint: %s)", err, fusion.Hint(err))
	}
}

// TestSnapshotOnAFullDisk: what does not fit leaves nothing behind.
func TestSnapshotOnAFullDisk(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	limited(t, config.pool(), "64m")
	t.Cleanup(func() { stopAll(t, open(t, config)) }) // before that file system goes
	counting(t, s, "m")
	fill(t, filepath.Join(config.pool(), "filler"))
	_, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "a"})
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(err.Error(), "full") {
		t.Error(err)
	}
	// The disk fills up after it was looked at.
	d := must(s.refresh(ctx, must(s.find(ctx, "", "m"))(t)))(t)
	text := must(domxml.NewSnapshot(fusion.SnapshotSpec{Name: "a"}, d.Info, true))(t)
	err = fail("take", "m", s.do(ctx, func(c driver) error { _, err := c.takeSnapshot(d.uuid, text); return err }))
	t.Logf("libvirt says: %v (hint: %s)", err, fusion.Hint(err))
	refused(t, err, fusion.ErrInvalid)
	agrees(t, s, "m", "")
	ok(t, os.Remove(filepath.Join(config.pool(), "filler")))
	if m := must(s.Get(ctx, "m"))(t); m.State == fusion.Paused {
		t.Logf("it is paused: %s", m.Note)
		ok(t, s.Do(ctx, "m", fusion.Resume))
	}
	now := inMemory(t, s, "m")
	eventually(t, "it counts on", func() bool { return inMemory(t, s, "m") > now+5 })
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	if out := must(exec.Command("qemu-img", "snapshot", "-l", diskOf(t, s, d.uuid)).CombinedOutput())(t); strings.Contains(string(out), " a ") {
		t.Errorf("the disk has half a snapshot: %s", out)
	}
}
