package vmctl

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"hither/fusion"
	"hither/vmctl/devxml"
)

// deviceDriver is what a Store needs of a hypervisor for the devices of its computer.
type deviceDriver interface {
	// nodeDevices gives libvirt's descriptions of the PCI and USB devices and of the USB
	// devices' interfaces.
	nodeDevices() ([]string, error)
}

// devices is the Store as fusion.Devices.
type devices struct{ s *Store }

var _ fusion.Devices = devices{}

// Devices are the devices of this computer that its virtual machines can be given.
func (s *Store) Devices() fusion.Devices { return devices{s} }

// List asks libvirt anew: devices come and go without a word to it.
func (v devices) List(ctx context.Context) ([]fusion.Device, error) {
	const op = "device.list"
	out := []fusion.Device{}
	if why := v.s.whyAway(); why != nil && !errors.Is(why, fusion.ErrUnsupported) {
		return nil, away(op, "", why)
	}
	list, err := v.s.hostDevices(ctx)
	if err != nil {
		return nil, fail(op, "", err)
	}
	for _, d := range list {
		out = append(out, d.Device)
	}
	return out, nil
}

// hostDevices are the devices with who has them and why they cannot be given.
func (s *Store) hostDevices(ctx context.Context) ([]devxml.Device, error) {
	why := s.whyAway()
	without := errors.Is(why, fusion.ErrUnsupported)
	list, err := s.present(ctx, without)
	if err != nil {
		return nil, err
	}
	confined := s.confined()
	for i := range list {
		d := &list[i]
		d.Machines = append(s.whoHas(d.ID, false, ""), s.loans.holders(d.Node)...)
		d.FarNote, d.FarHint = s.farRefusal(*d)
		if d.Note, d.Hint = refusal(*d, confined); without {
			d.Note, d.Hint = "its computer runs no virtual machines", cmp.Or(fusion.Hint(why), InstallHint)
		}
	}
	return list, ctx.Err()
}

// present are the devices that libvirt knows, or those that can be seen without it.
func (s *Store) present(ctx context.Context, without bool) ([]devxml.Device, error) {
	if without {
		return s.ownDevices()
	}
	texts, err := call(ctx, s, func(d driver) ([]string, error) { return d.nodeDevices() }, nil)
	if err != nil {
		return nil, err
	}
	list, err := devxml.Parse(texts)
	s.ports(list)
	return list, err
}

// whoHas names the machines that have a device, sorted, but one; of all, or of those that run.
func (s *Store) whoHas(id string, running bool, but string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []string{}
	for _, r := range s.records {
		has := slices.ContainsFunc(r.Devices, func(other string) bool { return devxml.Same(id, other) })
		if has && r.uuid != but && (r.active || !running) {
			names = append(names, r.shown)
		}
	}
	slices.Sort(names)
	return names
}

// confined says whether libvirt has no more rights to devices than the node's user.
func (s *Store) confined() bool {
	return os.Getuid() != 0 && (s.privateUsed() || s.config.URI == uriSession)
}

// The hints of devices that cannot be given.
const (
	iommuHint = "switch on VT-d or AMD-Vi in the computer's firmware, and start its Linux with intel_iommu=on or amd_iommu=on"
	vfioHint  = "PCI devices need the computer's own libvirt: start the node with hither up --libvirt qemu:///system"
	usbHint   = "start the node with hither up --libvirt qemu:///system, or give its user the device by a udev rule (MODE or TAG+=\"uaccess\")"
)

// refusal says why libvirt cannot give the device to a machine, and what can be done.
func refusal(d devxml.Device, confined bool) (note, hint string) {
	switch {
	case d.Kind == "pci" && d.Group < 0:
		return "its computer has no IOMMU that is on", iommuHint
	case d.Kind == "pci" && confined:
		return "libvirt runs as an ordinary user here, who may not take PCI devices", vfioHint
	case d.Kind == "usb" && confined && !opens(d.Node):
		return "libvirt runs as an ordinary user here, who may not open this device", usbHint
	}
	return "", ""
}

// opens says whether the node's user may use a USB device.
func opens(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = f.Close() // nothing was written
	return true
}
