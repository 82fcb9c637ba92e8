package vmctl

import (
	"context"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
)

const opLabel = "machine.label"

func sameLabels(a, b fusion.Labels) bool {
	return slices.Equal(a.Tags, b.Tags) && a.Notes == b.Notes && a.Autostart == b.Autostart && a.Order == b.Order
}

// Label changes what is written on a machine. Where it is about starting by itself, the
// hypervisor's own word on that is taken back: two that start one machine would race.
func (s *Store) Label(ctx context.Context, machine string, change fusion.LabelChange) (fusion.Machine, error) {
	if machine == fusion.Self {
		return fusion.Machine{}, isComputer(opLabel)
	}
	if err := change.Check(machine); err != nil {
		return fusion.Machine{}, err
	}
	r, release, err := s.alone(ctx, opLabel, machine)
	if err != nil {
		return fusion.Machine{}, err
	}
	run, giveUp := held(release)
	defer giveUp()
	element, err := relabelled(machine, r, change)
	if err != nil {
		return fusion.Machine{}, err
	}
	err = s.do(ctx, run(func(d driver) error {
		defer s.touch(r.uuid)
		if err := d.setMetadata(r.uuid, "label", domxml.LabelURI, element); err != nil {
			return err
		}
		if change.Autostart != nil && r.autostart {
			return d.setAutostart(r.uuid, false)
		}
		return nil
	}))
	if err != nil {
		return fusion.Machine{}, fail(opLabel, machine, err)
	}
	s.config.Log.Info("machine labelled", "machine", machine, "trace", fusion.Trace(ctx))
	r, err = s.fresh(ctx, opLabel, machine, r.uuid)
	return r.machine(s.kvm.Note()), err
}

func relabelled(machine string, r record, change fusion.LabelChange) (string, error) {
	labels, err := change.Apply(machine, r.Labels)
	if err != nil {
		return "", err
	}
	return domxml.LabelElement(labels)
}

// Rename gives a machine that is off another name. Its disks keep theirs, which have the
// machine's UUID in them.
func (s *Store) Rename(ctx context.Context, machine, name string) error {
	const op = "machine.rename"
	if machine == fusion.Self {
		return isComputer(op)
	}
	if err := fusion.CheckName(name); err != nil {
		return invalid(op, machine, "it cannot be called "+fusionClip(name), fusion.Hint(err))
	}
	exists := &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
	if name == fusion.Self {
		return exists
	}
	r, release, err := s.alone(ctx, op, machine)
	if err != nil {
		return err
	}
	run, giveUp := held(release)
	defer giveUp()
	switch {
	case name == machine:
		return nil
	case r.state == fusion.Saved:
		return invalid(op, machine, "it is saved, under its name", "start it first, or discard what is saved")
	case r.active:
		return invalid(op, machine, "it is "+string(r.state), "stop it first")
	case s.known(name) != "":
		return exists
	}
	if err := s.unmark(ctx, r.domain); err != nil { // libvirt renames none with checkpoints
		return fail(op, machine, err)
	}
	done, ok := s.claims.Take("machine", name)
	if !ok {
		return exists
	}
	err = s.do(ctx, run(func(d driver) error {
		defer done()
		defer s.touch(r.uuid)
		return d.rename(r.uuid, name)
	}))
	if err != nil {
		return fail(op, machine, err)
	}
	s.config.Log.Info("machine renamed", "machine", machine, "name", name, "trace", fusion.Trace(ctx))
	_, err = s.fresh(ctx, op, name, r.uuid)
	return err
}
