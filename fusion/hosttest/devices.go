package hosttest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

// testDevices reads what is plugged in; where there are virtual machines, one is given what
// can be given, and what cannot is refused with the reason that the list has.
func (s *suite) testDevices(t *testing.T) {
	ctx := s.ctx(t)
	list, err := s.host.Devices().List(ctx)
	must(t, "list", err)
	for i, d := range list {
		if !fusion.GoodDevice(d.ID) || !strings.HasPrefix(d.ID, d.Kind+":") || d.Name == "" || d.Machines == nil || d.Drivers == nil ||
			(d.Note == "") != (d.Hint == "") || (d.FarNote == "") != (d.FarHint == "") || d.Kind == "pci" && d.FarNote == "" || d.Kind == "usb" && i > 0 && list[i-1].Kind == "pci" {
			t.Errorf("a device is %+v", d)
		}
	}
	if !s.VMs {
		return
	}
	name := s.create(t, fusion.MachineSpec{}).Name
	change := func(kind fusion.ChangeKind, id string) error {
		_, err := s.host.Hardware().Change(ctx, name, fusion.Change{Kind: kind, Device: id})
		return err
	}
	refused(t, "an unknown device", change(fusion.AttachDevice, "usb:ffff:fffe"), fusion.ErrNotFound)
	refused(t, "a hostile device", change(fusion.AttachDevice, "usb:'/><x"), fusion.ErrInvalid)
	_, err = s.host.Hardware().Change(ctx, name, fusion.Change{Kind: fusion.AttachDevice, Device: "usb:ffff:fffe", From: "12D3nobody"})
	refused(t, "a device of a stranger", err, fusion.ErrNotFound)
	_, err = s.host.Hardware().Change(ctx, name, fusion.Change{Kind: fusion.AttachDevice, Device: "pci:0000:01:00.0", From: "12D3nobody"})
	refused(t, "a card of another host", err, fusion.ErrInvalid)
	refused(t, "a device it has not", change(fusion.DetachDevice, "usb:ffff:fffe"), fusion.ErrNotFound)
	for _, d := range list {
		switch err := change(fusion.AttachDevice, d.ID); {
		case d.Note != "":
			refused(t, d.ID, err, fusion.ErrUnsupported)
		case len(d.Machines) > 0 && errors.Is(err, fusion.ErrBusy): // of another machine
		default:
			must(t, "attach "+d.ID, err)
			if has := s.parts(t, name).Devices; len(has) != 1 || has[0].ID != d.ID {
				t.Errorf("it has %+v", has)
			}
			s.eventually(t, "the list tells who has "+d.ID, func() bool {
				list, err := s.host.Devices().List(ctx)
				must(t, "list", err)
				return slices.ContainsFunc(list, func(o fusion.Device) bool { return o.ID == d.ID && slices.Contains(o.Machines, name) })
			})
			refused(t, "twice", change(fusion.AttachDevice, d.ID), fusion.ErrExists)
			must(t, "detach "+d.ID, change(fusion.DetachDevice, d.ID))
		}
	}
	if has := s.parts(t, name).Devices; len(has) != 0 {
		t.Errorf("it still has %+v", has)
	}
}
