package vmctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/netxml"
)

// bench makes a machine on a fake, and starts it if asked.
func bench(t *testing.T, f *fake, spec fusion.MachineSpec) (*Store, fusion.Machine) {
	t.Helper()
	f.mu.Lock()
	f.plugged.all = append(f.plugged.all, netxml.Network{UUID: "n1", Name: "default", Active: true}, netxml.Network{UUID: "n2", Name: "<odd>", Active: true})
	f.mu.Unlock()
	s := storeOf(t, f, Config{Dir: t.TempDir(), guestTime: 50 * time.Millisecond})
	knowsKVM(s, false)
	spec.Name, spec.MemoryBytes = "m", 64<<20
	return s, must(s.Create(t.Context(), spec))(t)
}

func change(t *testing.T, s *Store, c fusion.Change, when fusion.When) fusion.Changed {
	t.Helper()
	done := must(s.Change(t.Context(), "m", c))(t)
	if done.When != when {
		t.Fatalf("%s counts %s, want %s (%s)", c.Kind, done.When, when, done.Note)
	}
	return done
}

func parts(t *testing.T, s *Store) fusion.Parts {
	t.Helper()
	return must(s.Show(t.Context(), "m"))(t)
}

func TestChangesOfAMachineThatIsOff(t *testing.T) {
	s, _ := bench(t, newFake(), fusion.MachineSpec{})
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), "cd.iso"), make([]byte, 1024), 0o600))
	change(t, s, fusion.Change{Kind: fusion.SetResources, MemoryBytes: 128 << 20, CPUs: 3}, fusion.Now)
	disk := change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 1 << 20}, fusion.Now).Part
	card := change(t, s, fusion.Change{Kind: fusion.AddNIC, Network: "default"}, fusion.Now).Part
	change(t, s, fusion.Change{Kind: fusion.InsertCD, Image: "cd.iso"}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.SetBoot, Boot: []string{"cd", "disk"}}, fusion.Now)
	p := parts(t, s)
	if p.CPUs != 3 || p.MemoryBytes != 128<<20 || p.Pending || len(p.Disks) != 1 || p.Disks[0].Name != disk || !p.Disks[0].Made || p.Disks[0].TotalBytes != 1<<20 ||
		len(p.NICs) != 2 || p.NICs[1].MAC != card || p.NICs[1].Network != "default" || p.Drives[0].Image != "cd.iso" ||
		strings.Join(p.Boot, " ") != "cd disk" || p.Firmware != "bios" || p.TPM {
		t.Errorf("%+v", p)
	}
	if m := must(s.Get(t.Context(), "m"))(t); m.CPUs != 3 || m.MemoryBytes != 128<<20 || len(m.Disks) != 1 {
		t.Errorf("%+v", m)
	}
	file := filepath.Join(s.config.pool(), p.Disks[0].File)
	change(t, s, fusion.Change{Kind: fusion.EjectCD}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.RemoveNIC, NIC: strings.ToUpper(card)}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: disk}, fusion.Now)
	if p := parts(t, s); len(p.Disks) != 0 || len(p.NICs) != 1 || p.Drives[0].Image != "" || there(file) {
		t.Errorf("%+v, its file is there: %v", p, there(file))
	}
}

func TestChangesOfARunningMachine(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20, Start: true})
	change(t, s, fusion.Change{Kind: fusion.SetResources, MemoryBytes: 32 << 20}, fusion.Now)
	if p := parts(t, s); p.MemoryBytes != 32<<20 || p.NextMemoryBytes != 32<<20 || p.Pending {
		t.Errorf("%+v", p)
	}
	change(t, s, fusion.Change{Kind: fusion.SetResources, MemoryBytes: 64 << 20}, fusion.Now)
	if done := change(t, s, fusion.Change{Kind: fusion.SetResources, MemoryBytes: 256 << 20}, fusion.NextStart); done.Note == "" {
		t.Error("it does not say why")
	}
	disk := change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 1 << 20}, fusion.Now).Part
	f.refuses("live attach", &driverError{fusion.ErrInvalid, "No more available PCI slots"})
	late := change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 1 << 20}, fusion.NextStart)
	if !strings.Contains(late.Note, "No more available PCI slots") {
		t.Errorf("the note is %q", late.Note)
	}
	p := parts(t, s)
	if !p.Pending || p.NextMemoryBytes != 256<<20 || len(p.Disks) != 3 || p.Disks[1].Name != disk || p.Disks[2].Of != fusion.NextStart {
		t.Errorf("%+v", p)
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	if p := parts(t, s); p.Pending || p.MemoryBytes != 256<<20 || len(p.Disks) != 3 {
		t.Errorf("after its next start: %+v", p)
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "m"))
	if left := must(filepath.Glob(filepath.Join(s.config.pool(), "*")))(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestAGuestThatHoldsADisk: the disk goes when the machine stops, and its file with it.
func TestAGuestThatHoldsADisk(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20, Start: true})
	file := filepath.Join(s.config.pool(), parts(t, s).Disks[0].File)
	f.stiff = true
	if done := change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: "vda"}, fusion.NextStart); done.Note != heldNote {
		t.Errorf("the note is %q", done.Note)
	}
	if p := parts(t, s); len(p.Disks) != 1 || p.Disks[0].Of != fusion.Now || !there(file) {
		t.Errorf("%+v, its file is there: %v", p, there(file))
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	eventually(t, "the file goes", func() bool { return !there(file) })
	if p := parts(t, s); len(p.Disks) != 0 {
		t.Errorf("%+v", p)
	}
	eventually(t, "nothing is left to do", func() bool {
		return len(must(os.ReadDir(s.config.intents()))(t)) == 0
	})
}

func TestAKeptDiskIsAnImage(t *testing.T) {
	s, _ := bench(t, newFake(), fusion.MachineSpec{DiskBytes: 1 << 20})
	disk := parts(t, s).Disks[0]
	change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: "vda", Keep: true}, fusion.Now)
	if p := parts(t, s); len(p.Disks) != 0 || len(p.Images) != 1 || p.Images[0] != disk.File {
		t.Errorf("%+v", p)
	}
	ok(t, s.Remove(t.Context(), "m"))
	if !there(filepath.Join(s.config.pool(), disk.File)) {
		t.Error("the kept file went with the machine")
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20, Start: true})
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), "disk.qcow2"), qcow2(0, 0), 0o600))
	for what, c := range map[string]struct {
		change fusion.Change
		cause  error
		says   string
	}{
		"nothing":            {fusion.Change{}, fusion.ErrInvalid, "no change"},
		"no resources":       {fusion.Change{Kind: fusion.SetResources}, fusion.ErrInvalid, "nothing is to change"},
		"negative CPUs":      {fusion.Change{Kind: fusion.SetResources, CPUs: -1}, fusion.ErrInvalid, "-1 CPUs"},
		"more CPUs":          {fusion.Change{Kind: fusion.SetResources, CPUs: 17}, fusion.ErrInvalid, "16 at most"},
		"the host's memory":  {fusion.Change{Kind: fusion.SetResources, MemoryBytes: 9 << 30}, fusion.ErrInvalid, "8.0 GiB"},
		"little memory":      {fusion.Change{Kind: fusion.SetResources, MemoryBytes: 1}, fusion.ErrInvalid, "memory"},
		"shrink":             {fusion.Change{Kind: fusion.GrowDisk, Disk: "vda", Bytes: 1 << 29}, fusion.ErrInvalid, "already"},
		"unknown disk":       {fusion.Change{Kind: fusion.GrowDisk, Disk: "vdx", Bytes: 2 << 30}, fusion.ErrNotFound, "vdx"},
		"hostile disk":       {fusion.Change{Kind: fusion.RemoveDisk, Disk: "vda'/><x>"}, fusion.ErrNotFound, "no disk"},
		"no size":            {fusion.Change{Kind: fusion.AddDisk}, fusion.ErrInvalid, "0 bytes"},
		"unknown network":    {fusion.Change{Kind: fusion.AddNIC, Network: "none"}, fusion.ErrNotFound, "none"},
		"hostile network":    {fusion.Change{Kind: fusion.AddNIC, Network: "<a>"}, fusion.ErrInvalid, "network"},
		"unknown card":       {fusion.Change{Kind: fusion.RemoveNIC}, fusion.ErrNotFound, "card"},
		"an image's path":    {fusion.Change{Kind: fusion.InsertCD, Image: "/etc/passwd"}, fusion.ErrInvalid, "not a path"},
		"no such image":      {fusion.Change{Kind: fusion.InsertCD, Image: "none.iso"}, fusion.ErrNotFound, "no such image"},
		"a disk as a CD":     {fusion.Change{Kind: fusion.InsertCD, Image: "disk.qcow2"}, fusion.ErrInvalid, "no image of a CD"},
		"unknown drive":      {fusion.Change{Kind: fusion.EjectCD, Drive: "sdz"}, fusion.ErrNotFound, "sdz"},
		"boot from anything": {fusion.Change{Kind: fusion.SetBoot, Boot: []string{"usb"}}, fusion.ErrInvalid, "usb"},
		"boot twice":         {fusion.Change{Kind: fusion.SetBoot, Boot: []string{"cd", "cd"}}, fusion.ErrInvalid, "cd,cd"},
		"firmware":           {fusion.Change{Kind: fusion.SetFirmware, Firmware: "coreboot"}, fusion.ErrInvalid, "coreboot"},
		"firmware, running":  {fusion.Change{Kind: fusion.SetFirmware, Firmware: "uefi"}, fusion.ErrInvalid, "running"},
		"TPM, running":       {fusion.Change{Kind: fusion.SetTPM, TPM: true}, fusion.ErrInvalid, "running"},
		"a second display":   {fusion.Change{Kind: fusion.AddDisplay}, fusion.ErrInvalid, "already"},
	} {
		before := f.textsOf(must(s.find(t.Context(), "", "m"))(t))
		_, err := s.Change(t.Context(), "m", c.change)
		t.Log(what, err)
		refused(t, err, c.cause)
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", what, err, c.says)
		}
		if after := f.textsOf(must(s.find(t.Context(), "", "m"))(t)); after != before {
			t.Errorf("%s: the machine is another now", what)
		}
	}
	_, err := s.Change(t.Context(), fusion.Self, fusion.Change{Kind: fusion.AddNIC})
	refused(t, err, fusion.ErrUnsupported)
	_, err = s.Show(t.Context(), fusion.Self)
	refused(t, err, fusion.ErrUnsupported)
	_, err = s.Show(t.Context(), "none")
	refused(t, err, fusion.ErrNotFound)
	if left := must(os.ReadDir(s.config.intents()))(t); len(left) != 0 {
		t.Errorf("intents are left: %v", left)
	}
}

func TestSnapshotsKeepTheirDisks(t *testing.T) {
	f := newFake()
	s, m := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20})
	f.kept[m.UUID] = []fusion.Snapshot{{Name: "a", State: fusion.Off}}
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.RemoveDisk, Disk: "vda"})
	refused(t, err, fusion.ErrInvalid)
	_, err = s.Change(t.Context(), "m", fusion.Change{Kind: fusion.SetFirmware, Firmware: "uefi"})
	refused(t, err, fusion.ErrInvalid)
	change(t, s, fusion.Change{Kind: fusion.RemoveDisk, Disk: "vda", Keep: true}, fusion.Now)
}

func TestFirmwareAndTPM(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{})
	for _, c := range []fusion.Change{{Kind: fusion.SetFirmware, Firmware: "uefi"}, {Kind: fusion.SetTPM, TPM: true}} {
		_, err := s.Change(t.Context(), "m", c)
		refused(t, err, fusion.ErrUnsupported)
		if !strings.Contains(fusion.Hint(err), "apt install") {
			t.Errorf("hint: %s", fusion.Hint(err))
		}
	}
	for _, spec := range []fusion.MachineSpec{{Name: "u", Firmware: "uefi"}, {Name: "u", TPM: true}} {
		_, err := s.Create(t.Context(), spec)
		refused(t, err, fusion.ErrUnsupported)
	}
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "u", Firmware: "coreboot"})
	refused(t, err, fusion.ErrInvalid)
	if r := must(s.Resources(t.Context()))(t); strings.Join(r.Firmwares, " ") != "bios" || r.TPM {
		t.Errorf("%+v", r)
	}
	f.can.uefi, f.can.tpm = true, true
	if r := must(s.Resources(t.Context()))(t); strings.Join(r.Firmwares, " ") != "bios uefi" || !r.TPM {
		t.Errorf("%+v", r)
	}
	change(t, s, fusion.Change{Kind: fusion.SetFirmware, Firmware: "uefi"}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.SetTPM, TPM: true}, fusion.Now)
	if p := parts(t, s); p.Firmware != "uefi" || !p.TPM {
		t.Errorf("%+v", p)
	}
	change(t, s, fusion.Change{Kind: fusion.SetFirmware, Firmware: "bios"}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.SetTPM}, fusion.Now)
	if p := parts(t, s); p.Firmware != "bios" || p.TPM {
		t.Errorf("%+v", p)
	}
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "u", Firmware: "uefi", TPM: true}))(t)
	if p := must(s.Show(t.Context(), "u"))(t); p.Firmware != "uefi" || !p.TPM {
		t.Errorf("%+v", p)
	}
}

// TestADisplayForAMachineOfOthers keeps what it does not know to the byte.
func TestADisplayForAMachineOfOthers(t *testing.T) {
	f := newFake()
	d := vm("11111111-2222-4333-8444-555555555555", "m", fusion.Running)
	d.VNC, d.Display, d.Accelerator = -1, "spice", "kvm"
	const odd = `<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-odd'/></qemu:commandline><!-- kept -->`
	f.texts[d.uuid] = &fakeTexts{next: `<domain type='kvm'><name>m</name><uuid>` + d.uuid + `</uuid><memory unit='KiB'>65536</memory><vcpu>1</vcpu>` +
		`<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices><graphics type='spice' autoport='yes'/><disk type='file' device='disk'>` +
		`<source file='/x'/><target dev='sda' bus='sata'/><boot order='1'/></disk></devices>` + odd + `</domain>`}
	f.put(d)
	s := store(t, f)
	if m := must(s.Get(t.Context(), "m"))(t); m.Screen || !strings.Contains(m.Note, "spice") {
		t.Errorf("%+v", m)
	}
	change(t, s, fusion.Change{Kind: fusion.AddDisplay}, fusion.NextStart)
	change(t, s, fusion.Change{Kind: fusion.SetBoot, Boot: []string{"net", "disk"}}, fusion.NextStart)
	change(t, s, fusion.Change{Kind: fusion.AddDisk, Bytes: 1 << 20}, fusion.Now)
	text := f.texts[d.uuid].next
	if !strings.Contains(text, odd) || strings.Contains(text, "order=") || strings.Count(text, "<boot ") != 2 {
		t.Errorf("it is %s", text)
	}
	if p := parts(t, s); !p.Pending || strings.Join(p.Displays, " ") != "spice vnc" || p.Disks[1].Name != "sdb" || p.Disks[1].Bus != "sata" {
		t.Errorf("%+v", p)
	}
	if m := must(s.Get(t.Context(), "m"))(t); must(s.find(t.Context(), "", "m"))(t) != d.uuid || s.records[d.uuid].Ours || m.Name != "m" {
		t.Error("a disk of Hither's made the machine Hither's")
	}
}

// TestCPUsOfARunningMachine: what libvirt cannot plug in or out is said before it is tried, and in our words.
func TestCPUsOfARunningMachine(t *testing.T) {
	f := newFake()
	const kept = `<vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='yes' hotpluggable='no'/><vcpu id='2' enabled='no' hotpluggable='yes'/></vcpus>`
	text := func(vcpu, cpu string) string {
		return `<domain type='qemu'><name>m</name><uuid>1</uuid><memory unit='KiB'>65536</memory>` + vcpu + cpu + `<os><type>hvm</type></os><devices/></domain>`
	}
	f.texts["1"] = &fakeTexts{next: text(`<vcpu current='2'>4</vcpu>`, kept)}
	f.put(vm("1", "m", fusion.Running))
	s := store(t, f)
	set := func(count int, when fusion.When, note string) {
		t.Helper()
		done := change(t, s, fusion.Change{Kind: fusion.SetResources, CPUs: count}, when)
		if (note == "") != (done.Note == "") || !strings.Contains(done.Note, note) {
			t.Errorf("%d CPUs: the note is %q, want %q", count, done.Note, note)
		}
		if p := parts(t, s); p.NextCPUs != count || (when == fusion.Now) != (p.CPUs == count) {
			t.Errorf("%d CPUs: %d now, %d next", count, p.CPUs, p.NextCPUs)
		}
	}
	set(3, fusion.Now, "")
	f.refuses("live cpus", &driverError{errHypervisor, "internal error: vcpu unplug request timed out. Unplug result must be manually inspected in the domain"})
	set(2, fusion.NextStart, "the guest does not let go of its CPUs")
	set(8, fusion.NextStart, "at most 4,")
	set(1, fusion.NextStart, "keeps the 2 CPUs")
	f.refuses("live cpus", &driverError{fusion.ErrUnsupported, "cpu hotplug is not supported"})
	set(4, fusion.NextStart, "its kind of machine takes no CPUs")

	f.write("1", fakeTexts{next: text(`<vcpu>4</vcpu>`, `<cpu><topology sockets='1' cores='2' threads='2'/></cpu>`)})
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.SetResources, CPUs: 6})
	refused(t, err, fusion.ErrUnsupported)
	if !strings.Contains(err.Error(), "lays 4 CPUs out") || fusion.Hint(err) == "" {
		t.Error(err)
	}
}

// TestDisksThatAreHalfMade are settled by what the definition says.
func TestDisksThatAreHalfMade(t *testing.T) {
	f := newFake()
	s, m := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20})
	has := parts(t, s).Disks[0].File
	lost := "m-" + head(m.UUID) + "-7.qcow2"
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), lost), nil, 0o600))
	ok(t, s.writeAdded(t.Context(), m.UUID, []string{lost}))
	for i, file := range []string{has, lost} {
		ok(t, s.note([]string{"A", "B"}[i], intent{Op: opAddDisk, URI: s.URI(), Name: "m", UUID: m.UUID, Files: []string{file}, Part: true}))
	}
	signal(s.unsettled)
	eventually(t, "both are settled", func() bool { return len(must(os.ReadDir(s.config.intents()))(t)) == 0 })
	if !there(filepath.Join(s.config.pool(), has)) || there(filepath.Join(s.config.pool(), lost)) {
		t.Error("the wrong one went")
	}
	if d := must(f.domain(m.UUID))(t); len(d.Added) != 0 || len(d.OwnDisks) != 1 {
		t.Errorf("%+v", d.Info)
	}
}
