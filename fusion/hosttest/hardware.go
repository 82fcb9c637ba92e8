package hosttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

// parts gives what a machine is made of.
func (s *suite) parts(t *testing.T, name string) fusion.Parts {
	t.Helper()
	p, err := s.host.Hardware().Show(s.ctx(t), name)
	must(t, "show", err)
	return p
}

func (s *suite) change(t *testing.T, name string, c fusion.Change) fusion.Changed {
	t.Helper()
	done, err := s.host.Hardware().Change(s.ctx(t), name, c)
	must(t, string(c.Kind), err)
	if done.When != fusion.Now && done.When != fusion.NextStart || done.When == fusion.NextStart && s.until(t, name, fusion.Off, fusion.Running).State == fusion.Off {
		t.Errorf("%s counts %q", c.Kind, done.When)
	}
	return done
}

// testHardware changes a machine that is off, and what can be changed while it runs.
func (s *suite) testHardware(t *testing.T) {
	name := s.create(t, fusion.MachineSpec{DiskBytes: 16 << 20}).Name
	p := s.parts(t, name)
	if p.CPUs != 1 || p.MemoryBytes != 64<<20 || p.Pending || len(p.Disks) != 1 || p.Disks[0].TotalBytes != 16<<20 || !p.Disks[0].Made ||
		p.Firmware != "bios" || p.TPM || !slices.Contains(p.Networks, fusion.UserNetwork) || p.HostMemoryBytes <= 0 || p.MostCPUs < 1 {
		t.Errorf("it has %+v", p)
	}
	cards := len(p.NICs)
	s.change(t, name, fusion.Change{Kind: fusion.SetResources, MemoryBytes: 96 << 20, CPUs: 2})
	disk := s.change(t, name, fusion.Change{Kind: fusion.AddDisk, Bytes: 8 << 20}).Part
	s.change(t, name, fusion.Change{Kind: fusion.GrowDisk, Disk: disk, Bytes: 24 << 20})
	card := s.change(t, name, fusion.Change{Kind: fusion.AddNIC}).Part
	s.change(t, name, fusion.Change{Kind: fusion.SetBoot, Boot: []string{"net", "disk"}})
	p = s.parts(t, name)
	if p.CPUs != 2 || p.MemoryBytes != 96<<20 || len(p.Disks) != 2 || p.Disks[1].Name != disk || p.Disks[1].TotalBytes != 24<<20 ||
		len(p.NICs) != cards+1 || p.NICs[cards].MAC != card || strings.Join(p.Boot, ",") != "net,disk" || p.Pending {
		t.Errorf("it has %+v", p)
	}
	s.eventually(t, "the machine is told so", func() bool {
		m, err := s.host.Machines().Get(s.ctx(t), name)
		must(t, "get", err)
		return m.CPUs == 2 && m.MemoryBytes == 96<<20 && len(m.Disks) == 2
	})
	s.change(t, name, fusion.Change{Kind: fusion.SetAccelerator, Accelerator: "emulated"})
	if p := s.parts(t, name); p.Accelerator != "emulated" {
		t.Errorf("it is run by %q", p.Accelerator)
	}
	s.refuseChanges(t, name, disk)
	other := "52:54:00:" + strings.ToLower(card[9:15]) + "fd"
	if other == card {
		other = other[:15] + "fc"
	}
	if got := s.change(t, name, fusion.Change{Kind: fusion.SetNIC, NIC: card, MAC: strings.ToUpper(other), Network: fusion.UserNetwork}).Part; got != other {
		t.Errorf("the card is %q now", got)
	}
	_, err := s.host.Hardware().Change(s.ctx(t), name, fusion.Change{Kind: fusion.AddNIC, MAC: other})
	refused(t, "an address that is taken", err, fusion.ErrExists)
	if p := s.parts(t, name); len(p.NICs) != cards+1 || p.NICs[cards].MAC != other || p.NICs[cards].NextNetwork != "" {
		t.Errorf("it has %+v", p)
	}
	card = other
	s.change(t, name, fusion.Change{Kind: fusion.RemoveNIC, NIC: card})
	s.change(t, name, fusion.Change{Kind: fusion.RemoveDisk, Disk: disk})
	if p := s.parts(t, name); len(p.Disks) != 1 || len(p.NICs) != cards {
		t.Errorf("it has %+v", p)
	}
	must(t, "start", s.host.Machines().Do(s.ctx(t), name, fusion.Start))
	s.until(t, name, fusion.Running)
	added := s.change(t, name, fusion.Change{Kind: fusion.AddDisk, Bytes: 8 << 20})
	if p := s.parts(t, name); len(p.Disks) != 2 || (p.Disks[1].Of == "") != (added.When == fusion.Now) {
		t.Errorf("after %+v it has %+v", added, p)
	}
}

func (s *suite) refuseChanges(t *testing.T, name, disk string) {
	ctx, hardware := s.ctx(t), s.host.Hardware()
	before := fmt.Sprintf("%+v", s.parts(t, name))
	for what, c := range map[string]fusion.Change{
		"nothing":       {},
		"odd":           {Kind: "explode"},
		"accelerator":   {Kind: fusion.SetAccelerator, Accelerator: "xen"},
		"no memory":     {Kind: fusion.SetResources, MemoryBytes: 1},
		"much memory":   {Kind: fusion.SetResources, MemoryBytes: 15 << 40},
		"no CPUs":       {Kind: fusion.SetResources, CPUs: -1},
		"shrink":        {Kind: fusion.GrowDisk, Disk: disk, Bytes: 8 << 20},
		"unknown disk":  {Kind: fusion.GrowDisk, Disk: "vdz", Bytes: 1 << 30},
		"hostile disk":  {Kind: fusion.RemoveDisk, Disk: "'/><disk"},
		"small disk":    {Kind: fusion.AddDisk, Bytes: 1},
		"no network":    {Kind: fusion.AddNIC, Network: "none-" + name[:8]},
		"hostile net":   {Kind: fusion.AddNIC, Network: "a'/><x y='"},
		"unknown card":  {Kind: fusion.RemoveNIC, NIC: "52:54:00:ff:ff:fe"},
		"no such card":  {Kind: fusion.SetNIC, NIC: "52:54:00:ff:ff:fe", Network: fusion.UserNetwork},
		"nothing of it": {Kind: fusion.SetNIC, NIC: "52:54:00:ff:ff:fe"},
		"odd address":   {Kind: fusion.AddNIC, MAC: "'/><x>"},
		"outer image":   {Kind: fusion.InsertCD, Image: "../../etc/passwd"},
		"unknown image": {Kind: fusion.InsertCD, Image: fresh("image")},
		"odd boot":      {Kind: fusion.SetBoot, Boot: []string{"floppy"}},
	} {
		_, err := hardware.Change(ctx, name, c)
		refused(t, what, err, fusion.ErrInvalid, fusion.ErrNotFound)
	}
	if after := fmt.Sprintf("%+v", s.parts(t, name)); after != before {
		t.Errorf("refused changes changed it from %s to %s", before, after)
	}
}

// testLabels writes on a machine, and renames it.
func (s *suite) testLabels(t *testing.T) {
	hardware := s.host.Hardware()
	name := s.create(t, fusion.MachineSpec{}).Name
	note, on, order := "<b> & \"notes\" 二\nsecond line", true, 7
	m, err := hardware.Label(s.ctx(t), name, fusion.LabelChange{Add: []string{"lab", "db-1"}, Notes: &note, Autostart: &on, Order: &order})
	must(t, "label", err)
	if strings.Join(m.Tags, " ") != "db-1 lab" || m.Notes != note || !m.Autostart || m.Order != 7 {
		t.Errorf("written is %+v", m.Labels)
	}
	_, err = hardware.Label(s.ctx(t), name, fusion.LabelChange{Drop: []string{"db-1"}})
	must(t, "label", err)
	for _, bad := range []string{"", "A", "a b", "<x>", "-x", strings.Repeat("x", 33)} {
		_, err := hardware.Label(s.ctx(t), name, fusion.LabelChange{Add: []string{bad}})
		refused(t, fmt.Sprintf("tag %q", bad), err, fusion.ErrInvalid)
	}
	for _, bad := range []string{"\x00", "\x1b[2J", strings.Repeat("x", 1001)} {
		_, err := hardware.Label(s.ctx(t), name, fusion.LabelChange{Notes: &bad})
		refused(t, fmt.Sprintf("note %.10q", bad), err, fusion.ErrInvalid)
	}
	other := s.create(t, fusion.MachineSpec{}).Name
	for _, bad := range append([]string{fusion.Self, other}, badNames...) {
		refused(t, fmt.Sprintf("name %q", bad), hardware.Rename(s.ctx(t), name, bad), fusion.ErrInvalid, fusion.ErrExists)
	}
	renamed := fresh("vm")
	t.Cleanup(func() { s.discard(t, renamed) })
	must(t, "rename", hardware.Rename(s.ctx(t), name, renamed))
	_, err = s.host.Machines().Get(s.ctx(t), name)
	refused(t, "the old name", err, fusion.ErrNotFound)
	s.eventually(t, "the labels under the new name", func() bool {
		m, err := s.host.Machines().Get(s.ctx(t), renamed)
		must(t, "get", err)
		return strings.Join(m.Tags, " ") == "lab" && m.Notes == note && m.Order == 7
	})
}

// testSave saves a machine and lets it go on, and discards what is saved.
func (s *suite) testSave(t *testing.T) {
	machines, hardware := s.host.Machines(), s.host.Hardware()
	name := s.create(t, fusion.MachineSpec{}).Name
	refused(t, "save while off", hardware.Save(s.ctx(t), name), fusion.ErrInvalid)
	for _, end := range []fusion.Verb{fusion.Start, fusion.Discard} {
		if s.until(t, name, fusion.Off, fusion.Running).State == fusion.Off {
			must(t, "start", machines.Do(s.ctx(t), name, fusion.Start))
		}
		s.until(t, name, fusion.Running)
		must(t, "save", hardware.Save(s.ctx(t), name))
		m := s.until(t, name, fusion.Saved)
		if !slices.Contains(m.Verbs, fusion.Start) || !slices.Contains(m.Verbs, fusion.Discard) {
			t.Errorf("a saved machine can %v", m.Verbs)
		}
		refused(t, "save again", hardware.Save(s.ctx(t), name), fusion.ErrInvalid)
		_, err := hardware.Change(s.ctx(t), name, fusion.Change{Kind: fusion.AddNIC})
		refused(t, "change while saved", err, fusion.ErrInvalid)
		must(t, string(end), machines.Do(s.ctx(t), name, end))
		s.until(t, name, fusion.Running, fusion.Off)
	}
	s.until(t, name, fusion.Off)
}

// testNoHardware checks what is refused whatever the host has.
func (s *suite) testNoHardware(t *testing.T) {
	ctx, hardware := s.ctx(t), s.host.Hardware()
	for name, cause := range map[string]error{fusion.Self: fusion.ErrUnsupported, fresh("none"): fusion.ErrNotFound} {
		_, err := hardware.Show(ctx, name)
		refused(t, "show "+name, err, cause)
		_, err = hardware.Change(ctx, name, fusion.Change{Kind: fusion.AddNIC})
		refused(t, "change "+name, err, cause)
		_, err = hardware.Label(ctx, name, fusion.LabelChange{Add: []string{"x"}})
		refused(t, "label "+name, err, cause)
		refused(t, "rename "+name, hardware.Rename(ctx, name, fresh("vm")), cause)
		refused(t, "save "+name, hardware.Save(ctx, name), cause)
	}
}
