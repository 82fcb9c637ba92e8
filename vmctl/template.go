package vmctl

import (
	"context"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// copyDriver is what clones and templates need of a hypervisor.
type copyDriver interface {
	// persistent gives the definition with which a domain starts next, with its
	// secrets, for defining it again.
	persistent(uuid string) (string, error)
}

const opTemplate = "machine.template"

// SetTemplate marks a machine as a template in its definition, and makes its disks
// read-only there: no other program starts it by mistake and writes to what clones
// stand on.
func (s *Store) SetTemplate(ctx context.Context, machine string, on bool) (fusion.Machine, error) {
	r, release, err := s.still(ctx, opTemplate, machine)
	if err != nil {
		return fusion.Machine{}, err
	}
	defer release()
	if r.Template == on {
		return r.machine(s.kvm.Note()), nil
	}
	if !on {
		if err := s.unbased(opTemplate, r); err != nil {
			return fusion.Machine{}, err
		}
	}
	err = s.redefine(ctx, r.uuid, func(root *domxml.Element, ours *domxml.Ours) { domxml.MarkTemplate(root, ours, on) })
	if err != nil {
		return fusion.Machine{}, fail(opTemplate, machine, err)
	}
	r, err = s.fresh(ctx, opTemplate, machine, r.uuid)
	if err != nil {
		return fusion.Machine{}, err
	}
	s.config.Log.Info("template", "machine", machine, "is", on, "trace", fusion.Trace(ctx))
	return r.machine(s.kvm.Note()), nil
}

// still claims a virtual machine that is off, until release.
func (s *Store) still(ctx context.Context, op, machine string) (r record, release func(), err error) {
	if machine == fusion.Self {
		return r, nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
			Hint: "virtual machines can be cloned, exported and be templates"}
	}
	r, release, err = s.alone(ctx, op, machine)
	if err == nil {
		if err = isStill(op, r); err != nil {
			release()
		}
	}
	return r, release, err
}

// isStill refuses a machine whose disks are not at rest: what a running system has
// in its memory is not on them yet, and a saved one's memory belongs to them.
func isStill(op string, r record) error {
	switch {
	case r.state == fusion.Saved:
		return isSaved(op, r.shown)
	case r.active:
		return invalid(op, r.shown, "it is "+string(r.state)+", and its disks change", "shut it down first")
	}
	return nil
}

func isTemplate(op, machine string) error {
	return invalid(op, machine, "it is a template", "make a machine of it with hither machine clone, or take the mark away with hither machine template --off")
}

// redefine changes the definition of a machine that is off and that the caller has
// claimed. It is changed whole or not at all.
func (s *Store) redefine(ctx context.Context, uuid string, change func(root *domxml.Element, ours *domxml.Ours)) error {
	text, err := call(ctx, s, func(d driver) (string, error) { return d.persistent(uuid) }, nil)
	if err != nil {
		return err
	}
	root, ours, err := domxml.ReadOurs(text)
	if err != nil {
		return err
	}
	change(root, ours)
	if err := domxml.SetOurs(root, *ours); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	return s.do(within, func(d driver) error { return d.define(root.String()) })
}
