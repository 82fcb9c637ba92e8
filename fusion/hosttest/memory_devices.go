package hosttest

import (
	"context"
	"slices"

	"hither/fusion"
)

// memoryDeviceList is what a host in memory has plugged in: a stick that can be given, and a
// card that cannot, since there is no IOMMU.
var memoryDeviceList = []fusion.Device{
	{ID: "usb:0951:1666", Kind: "usb", Name: "Kingston DataTraveler", Drivers: []string{"usb-storage"}, Group: -1},
	{ID: "pci:0000:01:00.0", Kind: "pci", Name: "Red Hat Virtio network device", Drivers: []string{"virtio-pci"}, Group: -1,
		Note: "its computer has no IOMMU that is on", Hint: "switch on VT-d or AMD-Vi in the computer's firmware",
		FarNote: "only USB devices go to machines of other computers", FarHint: "make a machine on its own computer for it"},
}

type memoryDevices struct{ m *Memory }

func (d memoryDevices) List(ctx context.Context) ([]fusion.Device, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	list := slices.Clone(memoryDeviceList)
	for i := range list {
		list[i].Machines = []string{}
		for name, v := range d.m.machines {
			if slices.Contains(v.parts.devices, list[i].ID) {
				list[i].Machines = append(list[i].Machines, name)
			}
		}
		slices.Sort(list[i].Machines)
	}
	return list, ctx.Err()
}

// devicesOf is what a machine has of its host's. The caller holds mu.
func (m *Memory) devicesOf(v *memoryMachine) []fusion.DevicePart {
	parts := []fusion.DevicePart{}
	for _, id := range v.parts.devices {
		at := slices.IndexFunc(memoryDeviceList, func(d fusion.Device) bool { return d.ID == id })
		parts = append(parts, fusion.DevicePart{ID: id, Name: memoryDeviceList[at].Name})
	}
	return append(parts, v.parts.far...)
}

// Desk is the one other host that a host in memory can have USB devices of: any.
const Desk fusion.HostID = "12D3desk"

// changeFar gives or takes a device of another host. The caller holds mu.
func (m *Memory) changeFar(v *memoryMachine, c fusion.Change) (fusion.Changed, error) {
	is := func(d fusion.DevicePart) bool { return d.ID == c.Device && d.From == c.From }
	has := slices.ContainsFunc(v.parts.far, is)
	refuse := func(cause error, detail, hint string) (fusion.Changed, error) {
		return fusion.Changed{}, &fusion.Error{Op: "machine.change", Path: v.Name, Cause: cause, Detail: detail, Hint: hint}
	}
	switch {
	case c.From != Desk:
		return refuse(fusion.ErrNotFound, "the two hosts are not paired", "pair the machine's host with the one that has the device, with admin there")
	case c.Kind == fusion.DetachDevice && !has:
		return refuse(fusion.ErrNotFound, "it has no such device", "hither machine hw shows what it has")
	case c.Kind == fusion.DetachDevice:
		v.parts.far = slices.DeleteFunc(v.parts.far, is)
		return fusion.Changed{When: fusion.Now}, nil
	case has:
		return refuse(fusion.ErrExists, "it has that device", "hither machine hw shows what it has")
	}
	v.parts.far = append(v.parts.far, fusion.DevicePart{ID: c.Device, Name: "USB device", From: c.From, FromName: "desk"})
	return fusion.Changed{When: fusion.Now, Part: c.Device}, nil
}

// changeDevice gives or takes a device. The caller holds mu.
func (m *Memory) changeDevice(v *memoryMachine, c fusion.Change) (fusion.Changed, error) {
	if c.From != "" {
		return m.changeFar(v, c)
	}
	refuse := func(cause error, detail, hint string) (fusion.Changed, error) {
		return fusion.Changed{}, &fusion.Error{Op: "machine.change", Path: v.Name, Cause: cause, Detail: detail, Hint: hint}
	}
	at := slices.IndexFunc(memoryDeviceList, func(d fusion.Device) bool { return d.ID == c.Device })
	has := slices.Contains(v.parts.devices, c.Device)
	switch {
	case at < 0 || c.Kind == fusion.DetachDevice && !has:
		return refuse(fusion.ErrNotFound, "no such device", "hither host devices shows the devices there are")
	case c.Kind == fusion.DetachDevice:
		v.parts.devices = slices.DeleteFunc(v.parts.devices, func(id string) bool { return id == c.Device })
		return fusion.Changed{When: fusion.Now}, nil
	case memoryDeviceList[at].Note != "":
		return refuse(fusion.ErrUnsupported, memoryDeviceList[at].Note, memoryDeviceList[at].Hint)
	case has:
		return refuse(fusion.ErrExists, "it has that device", "hither machine hw shows what it has")
	}
	for _, other := range m.machines {
		if other != v && other.State == fusion.Running && slices.Contains(other.parts.devices, c.Device) {
			return refuse(fusion.ErrBusy, "another machine has it", "take it away there first")
		}
	}
	v.parts.devices = append(v.parts.devices, c.Device)
	return fusion.Changed{When: fusion.Now, Part: c.Device}, nil
}
