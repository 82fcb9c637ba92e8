package vmctl

import (
	"context"
	"fmt"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
)

// addVolume gives the machine a volume that no machine has, as a disk. The volume is not
// the machine's: it stays where it is when the disk or the machine is removed.
func (c *changing) addVolume(ctx context.Context, bus, target string) (fusion.Changed, error) {
	poolName, name, _ := strings.Cut(c.change.Volume, "/")
	t := storage{c.Store}
	v, err := t.find(ctx, opChange, poolName, name)
	if err != nil {
		return fusion.Changed{}, err
	}
	kind, key := "volume", v.path
	if poolName == fusion.OwnPool {
		kind, key = "image", v.name
	}
	release, ok := c.claims.Take(kind, key)
	if !ok {
		return fusion.Changed{}, &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrBusy,
			Detail: "something is being done with the volume " + c.change.Volume, Hint: "try again in a moment"}
	}
	defer release()
	if err := c.attachable(ctx, poolName, v); err != nil {
		return fusion.Changed{}, err
	}
	device, err := domxml.NewDisk(v.path, v.format, target, bus)
	if err != nil {
		return fusion.Changed{}, err
	}
	if err := ctx.Err(); err != nil {
		return fusion.Changed{}, err
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.both(ctx, target, func(d driver, live bool) error { return d.attach(c.r.uuid, device, live) })
}

// attachable refuses a volume that a machine may not write to: another one's, one that
// others are built on, and one that is no disk or points at files of its own choosing.
func (c *changing) attachable(ctx context.Context, poolName string, v volume) error {
	uses, err := c.uses(ctx)
	if err != nil {
		return fail(opChange, c.name, err)
	}
	shown := v.shown(poolName, uses)
	switch {
	case len(shown.Machines) > 0:
		return &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrBusy,
			Detail: fmt.Sprintf("the volume %s is a disk of %s", c.change.Volume, strings.Join(shown.Machines, ", ")), Hint: "take it away there first: hither machine disk rm"}
	case len(shown.BaseOf) > 0:
		return &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrBusy,
			Detail: fmt.Sprintf("%s is built on the volume %s, and would break if it changed", strings.Join(shown.BaseOf, ", "), c.change.Volume),
			Hint:   "give the machine a copy"}
	case v.format != imagefile.Qcow2 && v.format != imagefile.Raw:
		return c.bad(fmt.Sprintf("the volume %s is of format %s", c.change.Volume, v.format), "a disk is qcow2 or raw; an ISO goes into the CD drive: hither machine cd insert")
	}
	h, err := imagefile.ReadHeader(v.path)
	if err != nil {
		return c.bad(fmt.Sprintf("the volume %s: %v", c.change.Volume, err), "give the machine a copy: qemu-img convert -O qcow2 VOLUME NEW.qcow2")
	}
	if h.Format != v.format {
		return c.bad(fmt.Sprintf("the volume %s is of format %s, and begins as %s does", c.change.Volume, v.format, h.Format),
			"give the machine a copy: qemu-img convert -O qcow2 VOLUME NEW.qcow2")
	}
	return nil
}
