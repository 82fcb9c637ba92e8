package vmctl

import (
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/devxml"
)

func TestDevicesAsLibvirtListsThem(t *testing.T) {
	texts := append(usbStick(1, 2, "0951", "1666", "DataTraveler"), usbStick(1, 9, "1d6b", "0002", "root hub")...)
	texts = append(texts, usbStick(2, 3, "046d", "c52b", "Receiver")...)
	texts = append(texts, usbStick(2, 4, "046d", "c52b", "Receiver")...)
	hub := usbStick(1, 5, "05e3", "0610", "Hub")
	texts = append(texts, hub[0], strings.Replace(hub[1], "<class>8", "<class>9", 1))
	texts = append(texts, pciCard(0, "0x030000", inGroup), pciCard(2, "0x020000", ""), pciCard(1, "0x060400", inGroup))
	list := must(devxml.Parse(texts))(t)
	var said []string
	for _, d := range list {
		note, hint := refusal(d, false)
		if (note == "") != (hint == "") {
			t.Errorf("%s: %q and %q", d.ID, note, hint)
		}
		said = append(said, strings.Join([]string{d.ID, d.Name, strings.Join(d.Drivers, ","), note}, "|"))
	}
	want := []string{"usb:046d:c52b@2.3|Kingston Receiver|usb-storage|", "usb:046d:c52b@2.4|Kingston Receiver|usb-storage|",
		"usb:0951:1666|Kingston DataTraveler|usb-storage|",
		"pci:0000:01:00.0|NVIDIA Corporation 0x1b80|nvidia|", "pci:0000:01:02.0|NVIDIA Corporation 0x1b80|nvidia|its computer has no IOMMU that is on"}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("there are\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	for _, d := range list {
		if x := d.Definition(); x.ID() != d.ID || !fusion.GoodDevice(d.ID) {
			t.Errorf("%s is defined as %s", d.ID, x.ID())
		}
		if note, hint := refusal(d, true); note == "" || hint == "" {
			t.Errorf("an ordinary user is given %s", d.ID)
		}
	}
	if _, err := devxml.Parse([]string{"<device"}); err == nil {
		t.Error("half an element was read")
	}
}

// plugged makes a machine on a computer with a stick and two cards.
func plugged(t *testing.T, f *fake, start bool) *Store {
	t.Helper()
	f.present = append(usbStick(1, 2, "0951", "1666", "DataTraveler"), pciCard(0, "0x030000", inGroup), pciCard(2, "0x020000", ""))
	s, _ := bench(t, f, fusion.MachineSpec{Start: start})
	return s
}

const (
	stick = "usb:0951:1666"
	card  = "pci:0000:01:00.0"
)

func deviceTexts(t *testing.T, s *Store) string {
	t.Helper()
	var all []string
	for _, d := range parts(t, s).Devices {
		all = append(all, strings.TrimSpace(d.ID+" "+d.Name+" "+string(d.Of)))
	}
	return strings.Join(all, ", ")
}

func TestDevicesOfARunningMachine(t *testing.T) {
	f := newFake()
	s := plugged(t, f, true)
	change(t, s, fusion.Change{Kind: fusion.AttachDevice, Device: stick}, fusion.Now)
	if done := change(t, s, fusion.Change{Kind: fusion.AttachDevice, Device: card}, fusion.NextStart); done.Note == "" || done.Part != card {
		t.Errorf("%+v", done)
	}
	if has := deviceTexts(t, s); has != "usb:0951:1666 Kingston DataTraveler, pci:0000:01:00.0 NVIDIA Corporation 0x1b80 next-start" {
		t.Errorf("it has %s", has)
	}
	// libvirt writes the address of the stick that it took.
	for uuid := range f.texts {
		texts := f.textsOf(uuid)
		texts.now = strings.Replace(texts.now, `<product id="0x1666"></product>`, `<product id="0x1666"></product><address bus='1' device='2'/>`, 1)
		f.write(uuid, texts)
	}
	if has := deviceTexts(t, s); !strings.HasPrefix(has, "usb:0951:1666 Kingston DataTraveler,") {
		t.Errorf("it has %s", has)
	}
	eventually(t, "the list names the machine", func() bool {
		list := must(s.Devices().List(t.Context()))(t)
		return strings.Join(list[0].Machines, "") == "m"
	})
	change(t, s, fusion.Change{Kind: fusion.DetachDevice, Device: stick}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.DetachDevice, Device: card}, fusion.Now)
	if p := parts(t, s); len(p.Devices) != 0 || p.Pending {
		t.Errorf("%+v", p)
	}
}

// TestADeviceThatDoesNotComeAtOnce: what libvirt does not take live comes at the next start.
func TestADeviceThatDoesNotComeAtOnce(t *testing.T) {
	f := newFake()
	s := plugged(t, f, true)
	f.refuses("live attach", &driverError{errHypervisor, "Cannot open /dev/bus/usb/001/002"})
	if done := change(t, s, fusion.Change{Kind: fusion.AttachDevice, Device: stick}, fusion.NextStart); !strings.Contains(done.Note, "Cannot open") {
		t.Errorf("the note is %q", done.Note)
	}
	if has := deviceTexts(t, s); has != "usb:0951:1666 Kingston DataTraveler next-start" {
		t.Errorf("it has %s", has)
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	f.mu.Lock()
	f.present = nil // pulled out
	f.mu.Unlock()
	if has := deviceTexts(t, s); has != "usb:0951:1666" {
		t.Errorf("it has %s", has)
	}
	change(t, s, fusion.Change{Kind: fusion.DetachDevice, Device: stick}, fusion.Now)
}

func TestDevicesThatAreRefused(t *testing.T) {
	f := newFake()
	s := plugged(t, f, true)
	change(t, s, fusion.Change{Kind: fusion.AttachDevice, Device: stick}, fusion.Now)
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "other", MemoryBytes: 64 << 20}))(t)
	attach := func(machine, device string) error {
		_, err := s.Change(t.Context(), machine, fusion.Change{Kind: fusion.AttachDevice, Device: device})
		return err
	}
	for _, c := range []struct {
		what  string
		err   error
		cause error
		says  string
	}{
		{"unknown", attach("m", "usb:ffff:ffff"), fusion.ErrNotFound, "no device"},
		{"hostile", attach("m", "usb:'/><x>"), fusion.ErrInvalid, "a device called"},
		{"long", attach("m", strings.Repeat("x", 5000)), fusion.ErrInvalid, "a device called"},
		{"twice", attach("m", stick), fusion.ErrExists, "has that device"},
		{"of another", attach("other", stick), fusion.ErrBusy, "the machine m has"},
		{"no IOMMU", attach("m", "pci:0000:01:02.0"), fusion.ErrUnsupported, "IOMMU"},
	} {
		refused(t, c.err, c.cause)
		if !strings.Contains(c.err.Error(), c.says) || fusion.Hint(c.err) == "" {
			t.Errorf("%s: %v (hint: %s)", c.what, c.err, fusion.Hint(c.err))
		}
	}
	if _, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.DetachDevice, Device: card}); err == nil {
		t.Error("what it has not was taken away")
	}
	f.mu.Lock()
	f.present = append(usbStick(1, 2, "0951", "1666", "DataTraveler"), usbStick(1, 3, "0951", "1666", "DataTraveler")...)
	f.mu.Unlock()
	err := attach("other", stick)
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(fusion.Hint(err), "usb:0951:1666@1.2, usb:0951:1666@1.3") {
		t.Errorf("the hint is %q", fusion.Hint(err))
	}
}
