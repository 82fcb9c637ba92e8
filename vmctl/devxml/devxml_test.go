package devxml

import (
	"encoding/xml"
	"testing"

	"hither/fusion"
	"hither/internal/expect"
)

// What libvirt says of a stick with its interface, and of a card.
var described = []string{
	`<device><name>usb_1_2</name><devnode type='dev'>/dev/bus/usb/001/002</devnode><parent>usb_usb1</parent><driver><name>usb</name></driver>
  <capability type='usb_device'><bus>1</bus><device>2</device><product id='0x1666'>DataTraveler</product><vendor id='0x0951'>Kingston</vendor></capability></device>`,
	`<device><name>usb_1_2_1_0</name><parent>usb_1_2</parent><driver><name>usb-storage</name></driver><capability type='usb'><class>8</class></capability></device>`,
	`<device><name>pci_0000_01_00_0</name><driver><name>nvidia</name></driver>
  <capability type='pci'><class>0x030000</class><domain>0</domain><bus>1</bus><slot>0</slot><function>0</function><product id='0x1b80'/><vendor id='0x10de'>NVIDIA</vendor><iommuGroup number='7'/></capability></device>`,
}

// TestADefinitionHasTheSameID: what is written of a device is read as that device.
func TestADefinitionHasTheSameID(t *testing.T) {
	alike := append([]string{}, described...)
	for _, d := range append(expect.Must(Parse(described))(t), expect.Must(Parse(append(alike, alike[0])))(t)...) {
		text := expect.Must(xml.Marshal(d.Definition()))(t)
		if id := Of(string(text)); id != d.ID || !fusion.GoodDevice(id) {
			t.Errorf("%s is defined as %s", d.ID, id)
		}
	}
	for _, none := range []string{"", "<hostdev/>", "<hostdev mode='subsystem' type='scsi'/>", "<hostdev mode='subsystem' type='usb'><source/></hostdev>"} {
		if id := Of(none); id != "" {
			t.Errorf("%q is %s", none, id)
		}
	}
}

func FuzzDevice(f *testing.F) {
	for _, text := range described {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse([]string{text})
		if err != nil {
			return
		}
		for _, d := range list {
			if d.Kind == "usb" && !fusion.GoodDevice(d.ID) {
				t.Errorf("%q", d.ID)
			}
		}
	})
}
