//go:build machines && e2e && linux

package vmctl

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/devxml"
)

// TestDevicesOfThisComputer compares the list with virsh's, and tries to give each device.
// Where this computer has no IOMMU each is refused with that reason.
func TestDevicesOfThisComputer(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20}))(t)
	list := must(s.Devices().List(ctx))(t)
	there := virsh(t, s, "nodedev-list", "--cap", "pci")
	groups := must(filepath.Glob("/sys/kernel/iommu_groups/*"))(t)
	cards := 0
	for _, d := range list {
		t.Logf("%s %s, drivers %v, group %d: %s", d.ID, d.Name, d.Drivers, d.Group, d.Note)
		if d.Kind != "pci" {
			continue
		}
		cards++
		if name := "pci_" + strings.NewReplacer(":", "_", ".", "_").Replace(strings.TrimPrefix(d.ID, "pci:")); !strings.Contains(there, name+"\n") {
			t.Errorf("virsh does not know %s:\n%s", name, there)
		}
		if link, err := os.Readlink("/sys/bus/pci/devices/" + strings.TrimPrefix(d.ID, "pci:") + "/driver"); err == nil && (len(d.Drivers) != 1 || d.Drivers[0] != filepath.Base(link)) {
			t.Errorf("the driver of %s is %s, not %v", d.ID, filepath.Base(link), d.Drivers)
		}
		if len(groups) > 0 {
			continue // the computer's own cards stay where they are
		}
		_, err := s.Change(ctx, "m", fusion.Change{Kind: fusion.AttachDevice, Device: d.ID})
		refused(t, err, fusion.ErrUnsupported)
		if !strings.Contains(err.Error(), "IOMMU") {
			t.Error(err)
		}
	}
	if cards == 0 && len(must(filepath.Glob("/sys/bus/pci/devices/*"))(t)) > 1 {
		t.Errorf("no card is listed; virsh has\n%s", there)
	}
	_, next := dumps(t, s, "m")
	hasText(t, next, "<hostdev", false)
}

// TestDevicesAsLibvirtKeepsThem: what Hither writes comes back from libvirt as the same
// devices, a stick that is pulled out keeps no machine from starting, and all are taken away.
func TestDevicesAsLibvirtKeepsThem(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	m := must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20}))(t)
	texts := append(usbStick(1, 2, "0951", "1666", "x"), usbStick(3, 4, "046d", "c52b", "x")...)
	texts = append(texts, usbStick(3, 5, "046d", "c52b", "x")...)
	list := must(devxml.Parse(append(texts, pciCard(0, "0x030000", inGroup))))(t)
	var ids []string
	for _, d := range list {
		device := must(xml.Marshal(d.Definition()))(t)
		ok(t, s.do(ctx, func(driver driver) error { return driver.attach(m.UUID, string(device), false) }))
		ids = append(ids, d.ID)
	}
	_, next := dumps(t, s, "m")
	for _, text := range []string{"<vendor id='0x0951'/>", "<product id='0x1666'/>", "<address bus='3' device='4'/>", "startupPolicy='optional'",
		"<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"} {
		hasText(t, next, text, true)
	}
	var has []string
	for _, d := range parts(t, s).Devices {
		has = append(has, d.ID)
	}
	if strings.Join(has, " ") != strings.Join(ids, " ") {
		t.Errorf("it has %v, want %v", has, ids)
	}
	card := ids[len(ids)-1]
	change(t, s, fusion.Change{Kind: fusion.DetachDevice, Device: card}, fusion.Now)
	of := fusion.Of("")
	if there("/sys/bus/usb/devices") { // libvirt looks for the sticks there
		ok(t, s.Do(ctx, "m", fusion.Start))
		eventually(t, "it runs without its sticks", func() bool { return must(s.Get(ctx, "m"))(t).State == fusion.Running })
		of = fusion.NextStart
	} else {
		t.Log("this computer's kernel has no USB: a start without the sticks was not tried")
	}
	for _, d := range parts(t, s).Devices {
		if d.Of != of || d.Name != "" {
			t.Errorf("it has %+v", d)
		}
		change(t, s, fusion.Change{Kind: fusion.DetachDevice, Device: d.ID}, fusion.Now)
	}
	now, next := dumps(t, s, "m")
	hasText(t, now+next, "<hostdev", false)
}

// pretended is a computer of libvirt's test driver with devices of its own.
const pretended = `<node>
<domain type='test'><name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>
%s</node>`

// TestDevicesAsLibvirtWritesThem reads descriptions that libvirt read and wrote anew: those of
// its test driver, which has what it is given.
func TestDevicesAsLibvirtWritesThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.xml")
	given := append(usbStick(1, 2, "0951", "1666", "DataTraveler"), pciCard(0, "0x030000", inGroup), pciCard(1, "0x060400", ""))
	ok(t, os.WriteFile(path, []byte(strings.Replace(pretended, "%s", strings.Join(given, "\n"), 1)), 0o600))
	var texts []string
	for _, name := range []string{"usb_1_2", "usb_1_2_1_0", "pci_0000_01_00_0", "pci_0000_01_01_0"} {
		out, err := exec.CommandContext(t.Context(), "virsh", "-c", "test://"+path, "nodedev-dumpxml", name).Output()
		if err != nil {
			t.Fatalf("virsh does not know %s: %v", name, err)
		}
		texts = append(texts, string(out))
	}
	list := must(devxml.Parse(texts))(t)
	if len(list) != 2 || list[0].ID != "usb:0951:1666" || list[0].Name != "Kingston DataTraveler" || list[0].Node != "/dev/bus/usb/001/002" ||
		list[1].ID != "pci:0000:01:00.0" || list[1].Group != 7 {
		t.Errorf("%+v", list)
	}
}
