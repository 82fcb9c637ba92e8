package vmctl

import (
	"context"
	"encoding/xml"
	"fmt"

	"hither/fusion"
	"hither/vmctl/devxml"
	"hither/vmctl/domxml"
)

const devicesHint = "hither host devices shows the devices there are"

// attachDevice gives the machine a device of its host: USB at once, PCI at the next start,
// as a guest seldom copes with a card that comes while it runs.
func (c *changing) attachDevice(ctx context.Context) (fusion.Changed, error) {
	peer, err := c.lender(c.change.From)
	if err != nil {
		return fusion.Changed{}, err
	}
	if peer != nil {
		return c.redirect(ctx, peer)
	}
	d, err := c.toGive(ctx)
	if err != nil {
		return fusion.Changed{}, err
	}
	device, err := xml.Marshal(d.Definition())
	if err != nil {
		return fusion.Changed{}, err
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	if d.Kind == "usb" {
		return c.both(ctx, d.ID, func(driver driver, live bool) error { return driver.attach(c.r.uuid, string(device), live) })
	}
	if err := c.do(ctx, func(driver driver) error { return driver.attach(c.r.uuid, string(device), false) }); err != nil {
		return fusion.Changed{}, err
	}
	if c.now != nil {
		return fusion.Changed{When: fusion.NextStart, Part: d.ID, Note: "a PCI device comes when the machine starts"}, nil
	}
	return fusion.Changed{When: fusion.Now, Part: d.ID}, nil
}

// toGive finds the device and refuses what cannot be given.
func (c *changing) toGive(ctx context.Context) (devxml.Device, error) {
	list, err := c.hostDevices(ctx)
	if err != nil {
		return devxml.Device{}, err
	}
	at, err := pick(idsOf(list), opChange, c.name, c.change.Device)
	if err != nil {
		return devxml.Device{}, err
	}
	d := list[at]
	refuse := func(cause error, detail, hint string) (devxml.Device, error) {
		return d, &fusion.Error{Op: opChange, Path: c.name, Cause: cause, Detail: detail, Hint: hint}
	}
	if d.Note != "" {
		return refuse(fusion.ErrUnsupported, d.Note, d.Hint)
	}
	if c.hostdev(c.next) != nil || c.hostdev(c.now) != nil {
		return refuse(fusion.ErrExists, "it has that device", "hither machine hw shows what it has")
	}
	if others := c.whoHas(d.ID, true, c.r.uuid); len(others) > 0 {
		return refuse(fusion.ErrBusy, "the machine "+others[0]+" has that device and runs", "take it away there first: hither machine device rm")
	}
	if others := c.loans.holders(d.Node); len(others) > 0 {
		return refuse(fusion.ErrBusy, "the machine "+others[0]+" has that device", "take it away there first: hither machine device rm")
	}
	return d, nil
}

// hostdev finds the device that the change is about.
func (c *changing) hostdev(definition *domxml.Element) *domxml.Element {
	for _, n := range definition.One("devices").All("hostdev") {
		if devxml.Same(devxml.Of(n.Source()), c.change.Device) {
			return n
		}
	}
	return nil
}

func (c *changing) detachDevice(ctx context.Context) (fusion.Changed, error) {
	far, err := c.redirected()
	if err != nil {
		return fusion.Changed{}, err
	}
	if far != nil {
		return c.takeBack(ctx, far)
	}
	if c.hostdev(c.next) == nil && c.hostdev(c.now) == nil {
		return fusion.Changed{}, c.missing(fmt.Sprintf("it has no device %q", fusionClip(c.change.Device)))
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.takeOut(ctx, c.hostdev)
}

// nameDevices says what the devices of a machine are called; one that is not plugged in
// has no name.
func (s *Store) nameDevices(ctx context.Context, parts []fusion.DevicePart) error {
	if len(parts) == 0 {
		return nil
	}
	list, err := s.hostDevices(ctx)
	for i := range parts {
		for _, d := range list {
			if devxml.Same(d.ID, parts[i].ID) {
				parts[i].Name = d.Name
			}
		}
	}
	return err
}
