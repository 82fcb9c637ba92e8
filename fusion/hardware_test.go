package fusion

import (
	"errors"
	"strings"
	"testing"
)

func TestChangeCheck(t *testing.T) {
	for _, c := range []Change{
		{Kind: SetResources, MemoryBytes: 16 << 20}, {Kind: SetResources, CPUs: 255}, {Kind: AddDisk, Bytes: 1 << 20}, {Kind: GrowDisk, Bytes: 64 << 40},
		{Kind: RemoveDisk}, {Kind: AddNIC}, {Kind: AddNIC, Network: "lab"}, {Kind: AddNIC, MAC: "52:54:00:12:34:56"},
		{Kind: SetNIC, NIC: "52:54:00:12:34:56", Network: "lab"}, {Kind: SetNIC, MAC: "52-54-00-AB-CD-EF"}, {Kind: InsertCD, Image: "a.iso"}, {Kind: EjectCD},
		{Kind: SetBoot, Boot: []string{"net", "cd", "disk"}}, {Kind: SetFirmware, Firmware: "uefi"}, {Kind: SetFirmware, Firmware: "uefi-secure"}, {Kind: SetAccelerator, Accelerator: "kvm"}, {Kind: SetTPM}, {Kind: AddDisplay},
	} {
		if err := c.Check("m"); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Change{
		{}, {Kind: "explode"}, {Kind: SetResources}, {Kind: SetResources, MemoryBytes: 16<<20 - 1}, {Kind: SetResources, MemoryBytes: -1},
		{Kind: SetResources, MemoryBytes: 17 << 40}, {Kind: SetResources, CPUs: 256}, {Kind: SetResources, CPUs: -1}, {Kind: AddDisk},
		{Kind: AddDisk, Bytes: -1}, {Kind: GrowDisk, Bytes: 65 << 40}, {Kind: AddNIC, Network: "a'/>"},
		{Kind: SetNIC}, {Kind: SetNIC, Network: "a b"}, {Kind: SetNIC, MAC: "53:54:00:12:34:56"}, {Kind: AddNIC, MAC: "00:00:00:00:00:00"}, {Kind: AddNIC, MAC: "'/><x>"}, {Kind: InsertCD}, {Kind: InsertCD, Image: "../x"},
		{Kind: SetBoot}, {Kind: SetBoot, Boot: []string{"disk", "disk"}}, {Kind: SetBoot, Boot: []string{""}}, {Kind: SetFirmware, Firmware: "<x>"}, {Kind: SetAccelerator},
	} {
		if err := c.Check("m"); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTags(t *testing.T) {
	for _, tag := range []string{"a", "lab-2", "0", "日本", "straße", strings.Repeat("ä", 32)} {
		if err := CheckTag(tag); err != nil {
			t.Error(err)
		}
	}
	for _, tag := range []string{"", "-a", "A", "É", "a b", "a,b", "<a>", "a\n", "a/b", "\xff", "\u202ea", strings.Repeat("x", 33)} {
		if err := CheckTag(tag); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%q: %v", tag, err)
		}
	}
}

func FuzzLabels(f *testing.F) {
	f.Add("lab,b", "b", "note\n<x>", 3)
	f.Fuzz(func(t *testing.T, add, drop, notes string, order int) {
		c := LabelChange{Add: strings.Split(add, ","), Drop: strings.Split(drop, ","), Notes: &notes, Order: &order}
		if c.Check("m") != nil {
			return
		}
		l, err := c.Apply("m", Labels{Tags: []string{"old"}})
		if err != nil {
			return
		}
		for i, tag := range l.Tags {
			if CheckTag(tag) != nil || i > 0 && l.Tags[i-1] >= tag {
				t.Errorf("%q", l.Tags)
			}
		}
		if len(l.Tags) > maxTags || len(l.Notes) > maxNote || l.Order < 0 || l.Order > maxOrder {
			t.Errorf("%+v", l)
		}
	})
}
