package domxml

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
	"hither/internal/expect"
)

const foreign = `<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
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
	root := expect.Must(Parse(foreign))(t)
	l := Likeness{Name: "c", UUID: "33333333-3333-3333-3333-333333333333", GenID: "44444444-4444-4444-8444-444444444444", Made: func(file string) bool { return strings.HasSuffix(file, "-seed.iso") }, Pool: "/p & q", Disks: map[string]string{"sda": "c.qcow2"}, Agent: "/run/c",
		Ours: Ours{Disks: []string{"c.qcow2"}, Key: "k", Bases: []string{"b.qcow2"}}}
	expect.OK(t, l.Become(root))
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
	info := expect.Must(ReadInfo(text))(t)
	name, uuid := root.One("name").Data, root.One("uuid").Data
	if name != "c" || uuid != l.UUID || info.CPUs != 3 || info.MemoryBytes != 64<<20 || info.Key != "k" || !slices.Equal(info.Bases, []string{"b.qcow2"}) ||
		len(info.Disks) != 1 || info.Disks[0].Path != "/p & q/c.qcow2" || info.Disks[0].Format != "qcow2" || len(info.Inserted) != 1 {
		t.Errorf("%s %s %+v", name, uuid, info)
	}
}

// TestTreeKeepsWhatItDoesNotKnow: a definition that is read and written says the same.
func TestTreeKeepsWhatItDoesNotKnow(t *testing.T) {
	once := expect.Must(Parse(foreign))(t).String()
	if twice := expect.Must(Parse(once))(t).String(); twice != once {
		t.Errorf("%s\n%s", once, twice)
	}
	expect.OK(t, xml.Unmarshal([]byte(once), new(struct{})))
}

func TestPortableDefinition(t *testing.T) {
	root := expect.Must(Parse(foreign))(t)
	Portable(root, "p")
	text := root.String()
	for _, never := range []string{"11111111", "52:54", "br0", "/old", "/cd.iso", "secret", "5901", "/run", "/var", "/etc", "/usr", "hostdev", "commandline", "apparmor", "old.qcow2"} {
		if strings.Contains(text, never) {
			t.Errorf("it still has %s:\n%s", never, text)
		}
	}
	b := expect.Must(ReadBlueprint(text))(t)
	if b.CPUs != 3 || b.Memory != 64<<20 || !b.EFI || b.Chipset != "q35" || len(b.Buses) != 1 || b.Buses[0] != "sata" || len(b.Cards) != 1 || b.Cards[0] != "e1000e" {
		t.Errorf("%+v", b)
	}
}

func FuzzBlueprint(f *testing.F) {
	f.Add(foreign)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ReadBlueprint(text)
		if err != nil {
			return
		}
		made, err := b.Definition(Plan{Spec: fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, CPUs: 1}, UUID: "u", Kind: "qemu", Pool: "/p", Disks: []string{"d.qcow2"}})
		expect.OK(t, err)
		info := expect.Must(ReadInfo(made))(t)
		if len(info.Disks) != 1 || info.Disks[0].Path != "/p/d.qcow2" || len(info.Inserted) != 0 {
			t.Errorf("%s", made)
		}
	})
}

func FuzzDefinition(f *testing.F) {
	f.Add(`<domain type='kvm'><memory unit='KiB'>5</memory><devices><graphics type='spice'/><graphics type='vnc'/></devices></domain>`)
	f.Fuzz(func(t *testing.T, text string) {
		info, err := ReadInfo(text)
		if err == nil && info.VNC >= 0 && info.Display == "" {
			t.Errorf("%+v", info)
		}
	})
}

// TestLabelsOfOthers: what anybody wrote in Hither's name is shown only if it is sound.
func TestLabelsOfOthers(t *testing.T) {
	info := expect.Must(ReadInfo(`<domain type='kvm'><metadata><h:label xmlns:h='urn:hither:label:1'><h:tag>ok</h:tag><h:tag>NOT ok</h:tag><h:note>` +
		strings.Repeat("x", 2000) + `</h:note><h:autostart order='-7'/></h:label><label><tag>else</tag></label></metadata></domain>`))(t)
	if l := info.Labels; strings.Join(l.Tags, " ") != "ok" || l.Notes != "" || l.Autostart {
		t.Errorf("%+v", l)
	}
}

func TestPlanHasAConsole(t *testing.T) {
	text := expect.Must(Plan{Spec: fusion.MachineSpec{Name: "m"}, UUID: "u", Kind: "qemu"}.Definition())(t)
	for text, want := range map[string]bool{
		text:                          true,
		"<domain><devices/></domain>": false,
		"<domain><devices><serial type='pty'/></devices></domain>":                                  true,
		"<domain><devices><serial type='file'/></devices></domain>":                                 false,
		"<domain><devices><console type='pty'><target type='virtio'/></console></devices></domain>": true,
	} {
		if got := expect.Must(ReadInfo(text))(t).Serial; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestDefinition(t *testing.T) {
	p := Plan{Spec: fusion.MachineSpec{Name: "m", CPUs: 3, MemoryBytes: 64 << 20}, UUID: "u", Kind: "qemu",
		Pool: "/a & <b>", Disks: []string{"one.qcow2", "two.qcow2"}, ISO: "/a & <b>/cd.iso"}
	text := expect.Must(p.Definition())(t)
	for _, never := range []string{" port=", "address", "<b>", "autoport"} {
		if strings.Contains(text, never) {
			t.Errorf("it has %q:\n%s", never, text)
		}
	}
	info := expect.Must(ReadInfo(text))(t)
	if info.CPUs != 3 || info.MemoryBytes != 64<<20 || info.Accelerator != "tcg" || info.VNC != 0 || !info.Ours ||
		len(info.Disks) != 2 || info.Disks[0].Path != "/a & <b>/one.qcow2" || len(info.OwnDisks) != 2 {
		t.Errorf("read back: %+v", info)
	}
}

func TestSeedIsInTheDefinition(t *testing.T) {
	p := Plan{Spec: fusion.MachineSpec{Name: "m", CPUs: 1, MemoryBytes: 64 << 20}, UUID: "u", Kind: "qemu", Pool: "/p", Disks: []string{"one.qcow2"}, Seed: "seed.iso"}
	info := expect.Must(ReadInfo(expect.Must(p.Definition())(t)))(t)
	if !slices.Equal(info.Inserted, []string{"/p/seed.iso"}) || !slices.Equal(info.OwnDisks, []string{"one.qcow2", "seed.iso"}) || len(info.Disks) != 1 {
		t.Errorf("%+v", info)
	}
}

func FuzzParts(f *testing.F) {
	f.Add(`<domain><os firmware='efi'><boot dev='hd'/></os><devices><x:y xmlns:x='u'/></devices></domain>`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		if err != nil {
			return
		}
		if n.Source() == "" || n.From > n.To || n.End > len(text) {
			t.Errorf("%+v", n)
		}
		Parts(n, n)
		if got := Apply(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
