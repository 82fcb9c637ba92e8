package vmctl

import (
	"context"
	"fmt"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
)

// insertCD puts an image of the pool into a drive. A machine without one gets a drive,
// which a running machine has from its next start on.
func (c *changing) insertCD(ctx context.Context) (fusion.Changed, error) {
	path, err := c.pool.Image(opChange, c.change.Image)
	if err != nil {
		return fusion.Changed{}, err
	}
	h, err := imagefile.ReadHeader(path)
	if err != nil || h.Format != imagefile.Raw {
		return fusion.Changed{}, c.bad(c.change.Image+" is no image of a CD", "a CD is a file as it was burned, an .iso")
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	if c.drive(c.next) == nil && c.drive(c.now) == nil {
		if c.change.Drive != "" {
			return fusion.Changed{}, c.noDrive()
		}
		return c.addDrive(ctx, path)
	}
	return c.load(ctx, path)
}

func (c *changing) ejectCD(ctx context.Context) (fusion.Changed, error) {
	if c.drive(c.next) == nil && c.drive(c.now) == nil {
		return fusion.Changed{}, c.noDrive()
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.load(ctx, "")
}

func (c *changing) noDrive() error {
	if c.change.Drive == "" {
		return c.missing("it has no CD drive")
	}
	return c.missing(fmt.Sprintf("it has no CD drive %q", fusionClip(c.change.Drive)))
}

// drive finds the CD drive that the change names, else the first.
func (c *changing) drive(definition *domxml.Element) *domxml.Element {
	for _, d := range definition.One("devices").All("disk") {
		if d.Attr("device") == "cdrom" && (c.change.Drive == "" || c.change.Drive == domxml.DiskName(d)) {
			return d
		}
	}
	return nil
}

// load puts what is at path into the drive, "" for nothing: into what runs first, as a
// guest may hold its disc.
func (c *changing) load(ctx context.Context, path string) (fusion.Changed, error) {
	for _, half := range []struct {
		definition *domxml.Element
		live       bool
	}{{c.now, true}, {c.next, false}} {
		drive := c.drive(half.definition)
		if drive == nil {
			continue
		}
		err := c.do(ctx, func(d driver) error { return d.update(c.r.uuid, domxml.Loaded(drive, path), half.live) })
		if err != nil && half.live && strings.Contains(err.Error(), "locked") {
			return fusion.Changed{}, &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrBusy, Detail: "its guest holds the disc",
				Hint: "eject it in the guest, then again here"}
		}
		if err != nil {
			return fusion.Changed{}, err
		}
	}
	if c.now != nil && c.drive(c.now) == nil {
		return fusion.Changed{When: fusion.NextStart, Note: "a running machine gets a CD drive at its next start"}, nil
	}
	return fusion.Changed{When: fusion.Now}, nil
}

// addDrive gives the machine a drive, on the bus that its kind of machine has.
func (c *changing) addDrive(ctx context.Context, path string) (fusion.Changed, error) {
	device, target, err := domxml.NewDrive(c.next, path)
	if err != nil {
		return fusion.Changed{}, err
	}
	if err := c.do(ctx, func(d driver) error { return d.attach(c.r.uuid, device, false) }); err != nil {
		return fusion.Changed{}, err
	}
	if c.now == nil {
		return fusion.Changed{When: fusion.Now, Part: target}, nil
	}
	return fusion.Changed{When: fusion.NextStart, Part: target, Note: "a running machine gets a CD drive at its next start"}, nil
}
