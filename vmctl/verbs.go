package vmctl

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hither/fusion"
)

var verbs = []fusion.Verb{fusion.Start, fusion.Stop, fusion.ForceOff, fusion.Pause, fusion.Resume, fusion.Reboot}

// Do applies a verb. "self" has none: what switches a computer off is its own
// desktop.
func (s *Store) Do(ctx context.Context, name string, verb fusion.Verb) error {
	op := "machine." + string(verb)
	if !slices.Contains(verbs, verb) {
		return invalid("machine.do", name, fmt.Sprintf("there is no verb %q", string(verb)), "one of start, stop, force-off, pause, resume, reboot")
	}
	if name == fusion.Self {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported,
			Detail: "a computer is not switched from here", Hint: "open its desktop and use its own menu"}
	}
	uuid, err := s.find(ctx, op, name)
	if err != nil {
		return err
	}
	r, err := s.fresh(ctx, op, name, uuid)
	if err != nil {
		return err
	}
	if able := verbsFor(r.domain); !slices.Contains(able, verb) {
		return invalid(op, name, "it is "+string(r.state), fmt.Sprintf("now it can: %v", able))
	}
	err = s.do(ctx, func(d driver) error { return d.act(uuid, verb) })
	if err != nil && !(verb == fusion.ForceOff && s.isOff(ctx, uuid)) {
		return fail(op, name, err)
	}
	s.config.Log.Info("verb", "verb", verb, "machine", name, "trace", fusion.Trace(ctx))
	return nil
}

// isOff says whether a domain is off after all. A domain that ends while it is
// forced off, as when its QEMU is just being adopted by a new daemon, makes
// libvirt say that it does not run.
func (s *Store) isOff(ctx context.Context, uuid string) bool {
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(uuid) }, nil)
	return err == nil && !d.active
}

// Remove forgets a machine that is off, with the disks that Create made for it.
// Images that were uploaded, and disks of machines made elsewhere, stay.
func (s *Store) Remove(ctx context.Context, name string) error {
	const op = "machine.remove"
	if name == fusion.Self {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported,
			Detail: "it is this computer itself", Hint: "to forget a computer: hither host forget"}
	}
	uuid, err := s.find(ctx, op, name)
	if err != nil {
		return err
	}
	d, err := s.fresh(ctx, op, name, uuid)
	if err != nil {
		return err
	}
	if d.active {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "it is " + string(d.state),
			Hint: "switch it off first: hither machine stop --force " + name}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if err := s.do(ctx, func(c driver) error { return c.undefine(uuid) }); err != nil {
		return fail(op, name, err)
	}
	var disks []string
	for _, file := range d.ownDisks {
		if ownDisk(file, uuid) {
			disks = append(disks, file)
		}
	}
	s.removeDisks(disks)
	s.config.Log.Info("machine removed", "machine", name, "disks", len(disks), "trace", fusion.Trace(ctx))
	if _, err := s.refresh(ctx, uuid); !errors.Is(err, fusion.ErrNotFound) {
		return fail(op, name, err)
	}
	return nil
}
