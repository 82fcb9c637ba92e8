package vmctl

import (
	"context"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// redefine edits the definition of the next start.
func (c *changing) redefine(ctx context.Context, edits ...domxml.Edit) (fusion.Changed, error) {
	ctx, cancel := withinCall(ctx)
	defer cancel()
	text := domxml.Apply(c.next.Whole, edits...)
	if err := c.do(ctx, func(d driver) error { return d.define(text) }); err != nil {
		return fusion.Changed{}, err
	}
	if c.now != nil {
		return fusion.Changed{When: fusion.NextStart}, nil
	}
	return fusion.Changed{When: fusion.Now}, nil
}

// setBoot changes the order of what the machine starts from.
func (c *changing) setBoot(ctx context.Context) (fusion.Changed, error) {
	os := c.next.One("os")
	if os == nil || os.One("type").Inner() != "hvm" {
		return fusion.Changed{}, c.lacks("its kind of machine has no boot order", "change it with the tool that made it")
	}
	return c.redefine(ctx, domxml.BootFrom(c.next, c.change.Boot)...)
}

// whileOff refuses what a running machine cannot be changed in.
func (c *changing) whileOff() error {
	if c.now != nil {
		return c.bad("it is "+string(c.r.state), "stop it first")
	}
	return nil
}

func (c *changing) setFirmware(ctx context.Context) (fusion.Changed, error) {
	if err := c.whileOff(); err != nil {
		return fusion.Changed{}, err
	}
	if domxml.FirmwareOf(c.next) == c.change.Firmware {
		return fusion.Changed{When: fusion.Now}, nil
	}
	if err := c.firmwareAllowed(ctx); err != nil {
		return fusion.Changed{}, err
	}
	vars := filepath.Join(c.config.pool(), varsName(c.name, c.r.uuid, c.change.Firmware))
	edits, err := domxml.StartBy(c.next, c.change.Firmware, vars)
	if err != nil {
		return fusion.Changed{}, err
	}
	old := filepath.Base(c.r.Vars)
	if !slices.Contains(c.r.madeDisks(), old) {
		return c.redefine(ctx, edits...)
	}
	// The variables of the firmware before go once the definition does not name them.
	_, end, err := c.intend(intent{Op: opChange, Name: c.name, UUID: c.r.uuid, Files: []string{old}, Layer: true})
	if err != nil {
		return fusion.Changed{}, err
	}
	done, err := c.redefine(ctx, edits...)
	if err == nil {
		c.removeDisks([]string{old})
	}
	end(err == nil)
	return done, err
}

func (c *changing) firmwareAllowed(ctx context.Context) error {
	if c.next.One("os", "type").Inner() != "hvm" {
		return c.lacks("its kind of machine has no firmware to choose", "change it with the tool that made it")
	}
	list, err := c.listSnapshots(ctx, opChange, c.name, c.r.uuid)
	switch {
	case err != nil:
		return err
	case len(list) > 0:
		return c.bad("it has snapshots, and they have its firmware", "remove the snapshots first")
	case !domxml.IsUEFI(c.change.Firmware):
		return nil
	}
	most, err := c.limitsOf(ctx, c.next)
	if err == nil {
		err = most.withholds(opChange, c.name, c.change.Firmware, false)
	}
	return err
}

func (c *changing) setTPM(ctx context.Context) (fusion.Changed, error) {
	if err := c.whileOff(); err != nil {
		return fusion.Changed{}, err
	}
	there := c.next.All("devices", "tpm")
	switch {
	case c.change.TPM == (len(there) > 0):
		return fusion.Changed{When: fusion.Now}, nil
	case !c.change.TPM:
		return c.redefine(ctx, there[0].Cut())
	}
	most, err := c.limitsOf(ctx, c.next)
	if err != nil {
		return fusion.Changed{}, err
	}
	if err := most.withholds(opChange, c.name, domxml.BIOS, true); err != nil {
		return fusion.Changed{}, err
	}
	edit, err := domxml.WithTPM(c.next)
	if err != nil {
		return fusion.Changed{}, err
	}
	return c.redefine(ctx, edit)
}

// addDisplay gives a machine a VNC display without a port, and a graphics card where it
// has none, so that its screen can be seen.
func (c *changing) addDisplay(ctx context.Context) (fusion.Changed, error) {
	if slices.ContainsFunc(c.next.All("devices", "graphics"), func(g *domxml.Element) bool { return g.Attr("type") == "vnc" }) {
		if c.now != nil && c.r.VNC < 0 {
			return fusion.Changed{When: fusion.NextStart}, nil
		}
		return fusion.Changed{}, c.bad("it has a VNC display already", "start it and open it")
	}
	return c.redefine(ctx, domxml.WithDisplay(c.next)...)
}
