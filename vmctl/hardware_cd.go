package vmctl

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// insertCD puts an image of the pool into a drive. A machine without one gets a drive,
// which a running machine has from its next start on.
func (c *changing) insertCD(ctx context.Context) (fusion.Changed, error) {
	path, err := c.image(opChange, c.change.Image)
	if err != nil {
		return fusion.Changed{}, err
	}
	h, err := readHeader(path)
	if err != nil || h.format != formatRaw {
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
		if d.Attr("device") == "cdrom" && (c.change.Drive == "" || c.change.Drive == diskName(d)) {
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
		err := c.do(ctx, func(d driver) error { return d.update(c.r.uuid, loaded(drive, path), half.live) })
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

// loaded is a drive as it is written, with another disc in it.
func loaded(drive *domxml.Element, path string) string {
	var edits []domxml.Edit
	for _, old := range drive.AnyOf("source", "backingStore") {
		edits = append(edits, old.Cut())
	}
	if path != "" {
		edits = append(edits, drive.Put("<source file="+quoted(path)+"/>"))
		if drive.Attr("type") != "file" {
			edits = append(edits, drive.Open(`<disk type='file' device='cdrom'>`))
		}
	}
	for i := range edits {
		edits[i].Start, edits[i].End = edits[i].Start-drive.Start, edits[i].End-drive.Start
	}
	return domxml.Apply(drive.Source(), edits...)
}

// addDrive gives the machine a drive, on the bus that its kind of machine has.
func (c *changing) addDrive(ctx context.Context, path string) (fusion.Changed, error) {
	drive := newDrive(path)
	if kind := c.next.One("os", "type").Attr("machine"); strings.Contains(kind, "i440fx") || kind == "pc" {
		drive.Target.Bus = "ide"
	}
	var taken []string
	for _, d := range c.next.One("devices").All("disk") {
		taken = append(taken, diskName(d))
	}
	for letter := 'a'; letter <= 'z' && (letter == 'a' || slices.Contains(taken, drive.Target.Dev)); letter++ {
		drive.Target.Dev = cmp.Or(busPrefix[drive.Target.Bus], "sd") + string(letter)
	}
	device, err := xml.Marshal(drive)
	if err != nil {
		return fusion.Changed{}, err
	}
	if err := c.do(ctx, func(d driver) error { return d.attach(c.r.uuid, string(device), false) }); err != nil {
		return fusion.Changed{}, err
	}
	if c.now == nil {
		return fusion.Changed{When: fusion.Now, Part: drive.Target.Dev}, nil
	}
	return fusion.Changed{When: fusion.NextStart, Part: drive.Target.Dev, Note: "a running machine gets a CD drive at its next start"}, nil
}
