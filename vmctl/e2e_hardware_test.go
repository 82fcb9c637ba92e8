//go:build e2e && linux

package vmctl

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	testguest "hither/internal/guest"
)

// plugging makes a machine whose guest counts its PCI disks and lets go of devices when it
// is asked to (internal/guest, plug.asm).
func plugging(t *testing.T, s *Store, spec fusion.MachineSpec) fusion.Machine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plug.img")
	testguest.Plug(t, path, 4<<20)
	image := must(os.ReadFile(path))(t)
	ok(t, s.Upload(t.Context(), "plug.img", int64(len(image)), bytes.NewReader(image)))
	spec.Name, spec.Image, spec.Start = "m", "plug.img", true
	m := must(s.Create(t.Context(), spec))(t)
	eventually(t, "the guest looks around", func() bool { return disksSeen(t, s) == 1 })
	return m
}

// disksSeen is how many virtio disks the guest finds on its PCI buses.
func disksSeen(t *testing.T, s *Store) int {
	t.Helper()
	out := virsh(t, s, "qemu-monitor-command", "m", "--hmp", "xp /1wx 0x7e00")
	_, word, _ := strings.Cut(strings.TrimSpace(out), ": 0x")
	return int(must(strconv.ParseUint(word, 16, 32))(t))
}

// dumps is what virsh shows, now and of the next start.
func dumps(t *testing.T, s *Store, name string) (now, next string) {
	t.Helper()
	return virsh(t, s, "dumpxml", name), virsh(t, s, "dumpxml", "--inactive", name)
}

func hasText(t *testing.T, text, wanted string, is bool) {
	t.Helper()
	if strings.Contains(text, wanted) != is {
		t.Errorf("virsh has %q: %v, want %v", wanted, !is, is)
	}
}

// TestHardwareWhileItRuns changes a running machine, with virsh and the guest as
// witnesses after each step.
func TestHardwareWhileItRuns(t *testing.T) {
	s, config := stage(t, "private")
	m := plugging(t, s, fusion.MachineSpec{MemoryBytes: 128 << 20})
	iso := make([]byte, 1<<20)
	ok(t, s.Upload(t.Context(), "cd.iso", int64(len(iso)), bytes.NewReader(iso)))
	pid := qemuPID(m.UUID)

	// A disk comes, grows and goes.
	start := time.Now()
	disk := change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 8 << 20}, fusion.Now).Part
	t.Logf("a disk was added in %v", time.Since(start).Round(time.Millisecond))
	eventually(t, "the guest sees the disk", func() bool { return disksSeen(t, s) == 2 })
	now, next := dumps(t, s, "m")
	hasText(t, now, "<target dev='"+disk+"' bus='virtio'/>", true)
	hasText(t, next, "<target dev='"+disk+"' bus='virtio'/>", true)
	change(t, s, fusion.Change{Kind: fusion.GrowDisk, Disk: disk, Bytes: 32 << 20}, fusion.Now)
	if out := virsh(t, s, "domblkinfo", "m", disk); !strings.Contains(out, strconv.Itoa(32<<20)) {
		t.Errorf("virsh says %s", out)
	}
	file := parts(t, s).Disks[1].File
	start = time.Now()
	change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: disk}, fusion.Now)
	t.Logf("a disk was removed in %v", time.Since(start).Round(time.Millisecond))
	now, next = dumps(t, s, "m")
	hasText(t, now+next, "<target dev='"+disk+"'", false)
	if disksSeen(t, s) != 1 || there(filepath.Join(config.pool(), file)) {
		t.Errorf("the guest sees %d disks; the file is there: %v", disksSeen(t, s), there(filepath.Join(config.pool(), file)))
	}

	// A network card.
	card := change(t, s, fusion.Change{Kind: fusion.AddNIC}, fusion.Now).Part
	now, next = dumps(t, s, "m")
	hasText(t, now, card, true)
	hasText(t, next, card, true)
	change(t, s, fusion.Change{Kind: fusion.RemoveNIC, NIC: card}, fusion.Now)
	now, next = dumps(t, s, "m")
	hasText(t, now+next, card, false)

	// A disc.
	change(t, s, fusion.Change{Kind: fusion.InsertCD, Image: "cd.iso"}, fusion.Now)
	now, next = dumps(t, s, "m")
	hasText(t, now, "cd.iso", true)
	hasText(t, next, "cd.iso", true)
	if out := virsh(t, s, "qemu-monitor-command", "m", "--hmp", "info block"); !strings.Contains(out, "cd.iso") {
		t.Errorf("QEMU has no disc: %s", out)
	}
	change(t, s, fusion.Change{Kind: fusion.EjectCD}, fusion.Now)
	now, next = dumps(t, s, "m")
	hasText(t, now+next, "cd.iso", false)

	cpusAndMemory(t, s)
	change(t, s, fusion.Change{Kind: fusion.SetBoot, Boot: []string{"net", "disk"}}, fusion.NextStart)
	_, next = dumps(t, s, "m")
	if at := strings.Index(next, "<boot dev='network'/>"); at < 0 || at > strings.Index(next, "<boot dev='hd'/>") {
		t.Errorf("virsh shows %s", next)
	}
	if now := qemuPID(m.UUID); now != pid {
		t.Errorf("QEMU was %d and is %d", pid, now)
	}
	change(t, s, fusion.Change{Kind: fusion.SetBoot, Boot: []string{"disk"}}, fusion.NextStart)
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	eventually(t, "it is off", func() bool { return must(s.Get(t.Context(), "m"))(t).State == fusion.Off })
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	eventually(t, "it runs again", func() bool { return disksSeen(t, s) == 1 })
	p := parts(t, s)
	if p.Pending || p.MemoryBytes != 256<<20 || p.CPUs != p.NextCPUs || strings.Join(p.Boot, "") != "disk" {
		t.Errorf("after its next start: %+v", p)
	}
}

// cpusAndMemory: a CPU more at once, as QEMU itself says; memory that the guest does not
// give back, and more than it began with, at the next start.
func cpusAndMemory(t *testing.T, s *Store) {
	most := must(strconv.Atoi(strings.TrimSpace(virsh(t, s, "vcpucount", "m", "--maximum", "--live"))))(t)
	if most > 1 {
		change(t, s, fusion.Change{Kind: fusion.SetResources, CPUs: 2}, fusion.Now)
		for _, half := range []string{"--live", "--config"} {
			if out := strings.TrimSpace(virsh(t, s, "vcpucount", "m", "--current", half)); out != "2" {
				t.Errorf("virsh counts %s CPUs (%s)", out, half)
			}
		}
		if out := virsh(t, s, "qemu-monitor-command", "m", "--hmp", "info cpus"); strings.Count(out, "CPU #") != 2 {
			t.Errorf("QEMU has %s", out)
		}
		if m := must(s.Get(t.Context(), "m"))(t); m.CPUs != 2 {
			t.Errorf("%+v", m)
		}
	}
	if done := change(t, s, fusion.Change{Kind: fusion.SetResources, CPUs: most + 1}, fusion.NextStart); !strings.Contains(done.Note, fmt.Sprintf("at most %d,", most)) {
		t.Errorf("it does not say why: %s", done.Note)
	}
	if done := change(t, s, fusion.Change{Kind: fusion.SetResources, CPUs: 1}, fusion.NextStart); most > 1 && !strings.Contains(done.Note, "the guest does not let go of its CPUs") {
		t.Errorf("it does not say why: %s", done.Note)
	}
	start := time.Now()
	done := change(t, s, fusion.Change{Kind: fusion.SetResources, MemoryBytes: 64 << 20}, fusion.NextStart)
	t.Logf("after %v: %s", time.Since(start).Round(time.Millisecond), done.Note)
	change(t, s, fusion.Change{Kind: fusion.SetResources, MemoryBytes: 256 << 20}, fusion.NextStart)
	now, next := dumps(t, s, "m")
	hasText(t, now, "<memory unit='KiB'>131072</memory>", true)
	hasText(t, next, "<memory unit='KiB'>262144</memory>", true)
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.SetResources, MemoryBytes: 15 << 40})
	refused(t, err, fusion.ErrInvalid)
}

// TestADiskThatAGuestHolds: the counter knows nothing of plugs. Its disk goes when it ends.
func TestADiskThatAGuestHolds(t *testing.T) {
	s, config := stage(t, "private")
	counting(t, s, "m")
	disk := change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 8 << 20}, fusion.Now).Part
	file := filepath.Join(config.pool(), parts(t, s).Disks[1].File)
	done := change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: disk}, fusion.NextStart)
	t.Log(done.Note)
	now, next := dumps(t, s, "m")
	hasText(t, now, file, true)
	hasText(t, next, file, false)
	if !there(file) {
		t.Fatal("the file went under the guest")
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	eventually(t, "the file goes", func() bool { return !there(file) })
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	eventually(t, "it counts again", func() bool { return inMemory(t, s, "m") > 3 })
}

// TestAVolumeGoesFromMachineToMachine, with what is on it; virsh is the witness.
func TestAVolumeGoesFromMachineToMachine(t *testing.T) {
	s, config := stage(t, "private")
	m := plugging(t, s, fusion.MachineSpec{MemoryBytes: 128 << 20})
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "other", MemoryBytes: 64 << 20, DiskBytes: 1 << 20}))(t)
	must(s.Storage().CreateVolume(t.Context(), fusion.VolumeSpec{Pool: fusion.OwnPool, Name: "data", CapacityBytes: 8 << 20}))(t)
	path, pid := filepath.Join(config.pool(), "data"), qemuPID(m.UUID)
	add := fusion.Change{Kind: fusion.AddDisk, Volume: "hither/data"}
	disk := change(t, s, add, fusion.Now).Part
	eventually(t, "the guest sees the disk", func() bool { return disksSeen(t, s) == 2 })
	now, next := dumps(t, s, "m")
	hasText(t, now, "<source file='"+path+"'", true)
	hasText(t, next, "<source file='"+path+"'", true)
	for _, twice := range []string{"m", "other"} {
		_, err := s.Change(t.Context(), twice, add)
		refused(t, err, fusion.ErrBusy)
	}
	refused(t, s.Storage().RemoveVolume(t.Context(), fusion.OwnPool, "data"), fusion.ErrBusy)

	change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: disk}, fusion.Now)
	eventually(t, "the guest has it no more", func() bool { return disksSeen(t, s) == 1 })
	done := must(s.Change(t.Context(), "other", add))(t)
	if out := virsh(t, s, "domblklist", "other"); !strings.Contains(out, path) || !there(path) || qemuPID(m.UUID) != pid {
		t.Errorf("%+v, virsh says %s", done, out)
	}
	// What a disk was kept as is a volume too.
	kept := change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 4 << 20}, fusion.Now).Part
	file := parts(t, s).Disks[1].File
	change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: kept, Keep: true}, fusion.Now)
	must(s.Change(t.Context(), "other", fusion.Change{Kind: fusion.AddDisk, Volume: "hither/" + file}))(t)
	ok(t, s.Remove(t.Context(), "other"))
	if !there(path) || !there(filepath.Join(config.pool(), file)) {
		t.Error("volumes went with a machine that they were not made for")
	}
}

// TestAMachineOfOthers keeps what its maker wrote, whatever is changed.
func TestAMachineOfOthers(t *testing.T) {
	s, _ := stage(t, "private")
	uuid := newUUID()
	text := `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>m</name><uuid>` + uuid + `</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
	<metadata><other:thing xmlns:other='urn:other'><other:word>kept</other:word></other:thing></metadata>
	<os><type arch='x86_64' machine='q35'>hvm</type></os><description>theirs</description>
	<devices><graphics type='spice' port='-1' autoport='no'><listen type='none'/></graphics><interface type='user'><model type='virtio'/><boot order='1'/></interface></devices>
	<qemu:commandline><qemu:arg value='-name'/><qemu:arg value='odd &amp; kept'/></qemu:commandline></domain>`
	path := filepath.Join(t.TempDir(), "m.xml")
	ok(t, os.WriteFile(path, []byte(text), 0o600))
	virsh(t, s, "define", path)
	eventually(t, "it is seen", func() bool { _, err := s.Get(t.Context(), "m"); return err == nil })
	change(t, s, fusion.Change{Kind: fusion.AddDisplay}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.SetBoot, Boot: []string{"disk", "net"}}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 1 << 20}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.SetResources, CPUs: 2, MemoryBytes: 96 << 20}, fusion.Now)
	label(t, s, fusion.LabelChange{Add: []string{"theirs"}})
	_, next := dumps(t, s, "m")
	for _, kept := range []string{"<other:word>kept</other:word>", "<description>theirs</description>", "odd &amp; kept", "type='spice'", "type='vnc'", uuid} {
		hasText(t, next, kept, true)
	}
	hasText(t, next, "boot order", false)
	for _, c := range []fusion.Change{{Kind: fusion.SetFirmware, Firmware: "uefi"}, {Kind: fusion.SetTPM, TPM: true}} {
		done, err := s.Change(t.Context(), "m", c)
		if err == nil {
			t.Logf("%s: %+v", c.Kind, done)
			continue
		}
		refused(t, err, fusion.ErrUnsupported)
		t.Logf("%v (hint: %s)", err, fusion.Hint(err))
	}
	m := must(s.Get(t.Context(), "m"))(t)
	if !m.Screen || m.CPUs != 2 || m.MemoryBytes != 96<<20 {
		t.Errorf("%+v", m)
	}
}

// TestAMachineOfOthersHasItsOwnName beside the one that it is shown under, until it is renamed.
func TestAMachineOfOthersHasItsOwnName(t *testing.T) {
	s, _ := stage(t, "private")
	uuid := newUUID()
	const own = "My VM (test) 机"
	path := filepath.Join(t.TempDir(), "m.xml")
	ok(t, os.WriteFile(path, []byte(`<domain type='qemu'><name>`+own+`</name><uuid>`+uuid+`</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>`), 0o600))
	shown := outsideName(own, uuid)
	events := watch(t, s)
	virsh(t, s, "define", path)
	events.await(t, shown+" off")
	if m := must(s.Get(t.Context(), shown))(t); m.OriginalName != own {
		t.Errorf("%+v", m)
	}
	ok(t, s.Do(t.Context(), shown, fusion.Start))
	events.await(t, shown+" running")
	ok(t, s.Do(t.Context(), shown, fusion.ForceOff))
	events.await(t, shown+" off")
	virsh(t, s, "domrename", own, "Another (test)")
	events.await(t, outsideName("Another (test)", uuid)+" off")
	ok(t, s.Rename(t.Context(), outsideName("Another (test)", uuid), "plain"))
	if m := must(s.Get(t.Context(), "plain"))(t); m.OriginalName != "" || strings.TrimSpace(virsh(t, s, "domname", uuid)) != "plain" {
		t.Errorf("%+v", m)
	}
}
