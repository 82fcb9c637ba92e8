package vmctl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// setCPUs changes the CPUs of the next start, and plugs into what runs, or out of it, what can be:
// libvirt has room for as many as the machine was started with, and takes none out that it began
// with (hotpluggable='no', https://libvirt.org/formatdomain.html#cpu-allocation). What cannot be is
// said before it is tried; what the guest or QEMU refuses, after.
func (c *changing) setCPUs(ctx context.Context) (fusion.Changed, error) {
	count := c.change.CPUs
	if laid := domxml.TopologyCPUs(c.next); laid > 0 && laid != count && count > domxml.MostCPUs(c.next) {
		return fusion.Changed{}, c.lacks(fmt.Sprintf("its definition lays %d CPUs out in sockets, cores and threads", laid),
			"change that topology with the tool that made it, or give it fewer CPUs")
	}
	if note := c.cannotPlug(count); note != "" {
		err := c.do(ctx, func(d driver) error { return d.setCPUs(c.r.uuid, count, false) })
		return fusion.Changed{When: fusion.NextStart, Note: note}, err
	}
	var refused error
	done, err := c.both(ctx, "", func(d driver, live bool) error {
		err := d.setCPUs(c.r.uuid, count, live)
		if live {
			refused = err
		}
		return err
	})
	if note := plugNote(refused); note != "" && err == nil {
		done.Note = note
	}
	return done, err
}

// cannotPlug says why what runs cannot have count CPUs, "" when it may.
func (c *changing) cannotPlug(count int) string {
	if c.now == nil {
		return ""
	}
	least, most := domxml.LeastCPUs(c.now), domxml.MostCPUs(c.now)
	switch {
	case count > most:
		return fmt.Sprintf("while it runs its CPUs can be at most %d, as it was started; stop it and start it, and it has more", most)
	case count < least:
		return fmt.Sprintf("a running machine keeps the %d CPUs that it began with; stop it and start it, and it has fewer", least)
	}
	return ""
}

// plugNote gives our words for libvirt's about CPUs that were not plugged in or out.
func plugNote(err error) string {
	var d *driverError
	if !errors.As(err, &d) {
		return ""
	}
	has := func(words string) bool { return strings.Contains(d.text, words) }
	switch {
	case has("unplug request timed out"), has("device_del"): // the guest has not followed, or cannot
		return "the guest does not let go of its CPUs; stop the machine and start it, and it has fewer"
	case has("can't be unplugged"), has("find appropriate hotpluggable vcpus"):
		return "a running machine keeps the CPUs that it began with; stop it and start it, and it has fewer"
	case has("hotplug is not supported"), has("device_add"):
		return "its kind of machine takes no CPUs while it runs; stop it and start it"
	}
	return ""
}
