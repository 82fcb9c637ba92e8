package vmctl

import (
	"fmt"
	"slices"
)

func (f *fake) nodeDevices() ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.present), f.refuse["nodeDevices"]
}

// usbStick and pciCard are libvirt's descriptions of devices, the first with its interface.
func usbStick(bus, number int, vendor, product, name string) []string {
	at := fmt.Sprintf("usb_%d_%d", bus, number)
	return []string{
		fmt.Sprintf(`<device><name>%s</name><path>/sys/devices/x</path><devnode type='dev'>/dev/bus/usb/%03d/%03d</devnode><parent>usb_usb1</parent><driver><name>usb</name></driver>
  <capability type='usb_device'><bus>%d</bus><device>%d</device><product id='0x%s'>%s</product><vendor id='0x%s'>Kingston</vendor></capability></device>`,
			at, bus, number, bus, number, product, name, vendor),
		fmt.Sprintf(`<device><name>%s_1_0</name><parent>%s</parent><driver><name>usb-storage</name></driver>
  <capability type='usb'><number>0</number><class>8</class><subclass>6</subclass><protocol>80</protocol></capability></device>`, at, at),
	}
}

func pciCard(slot int, class, group string) string {
	return fmt.Sprintf(`<device><name>pci_0000_01_%02x_0</name><parent>pci_0000_00_01_0</parent><driver><name>nvidia</name></driver>
  <capability type='pci'><class>%s</class><domain>0</domain><bus>1</bus><slot>%d</slot><function>0</function>
    <product id='0x1b80'/><vendor id='0x10de'>NVIDIA Corporation</vendor>%s</capability></device>`, slot, class, slot, group)
}

const inGroup = `<iommuGroup number='7'><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></iommuGroup>`
