package vmctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// define is the part of Create that ctx does not end: cut in the middle it could
// leave something behind. The disks of p are its own to remove when it fails.
func (s *Store) define(ctx context.Context, p *plan) (fusion.Machine, error) {
	text, err := p.Definition()
	if err != nil {
		s.removeDisks(p.Disks)
		return fusion.Machine{}, err
	}
	return s.defineAs(ctx, p, text)
}

// defineAs is define with a definition that was made by other means.
func (s *Store) defineAs(ctx context.Context, p *plan, text string) (fusion.Machine, error) {
	err := ctx.Err()
	if err != nil {
		s.removeFiles(p.UUID, p.Files())
		return fusion.Machine{}, err
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	err = s.do(within, func(d driver) error { return d.define(text) })
	if err == nil && p.install != nil {
		err = s.startInstaller(within, p, text)
	} else if err == nil && p.Spec.Start {
		err = s.do(within, func(d driver) error { return d.act(p.UUID, fusion.Start) })
	}
	if err != nil {
		return fusion.Machine{}, s.undo(ctx, p, err)
	}
	return s.defined(within, p, text)
}

// defined gives the machine that was just made. When libvirt does not answer any
// more it gives what was asked for: the machine is there, and its disks stay.
func (s *Store) defined(ctx context.Context, p *plan, text string) (fusion.Machine, error) {
	r, err := s.refresh(ctx, p.UUID)
	switch {
	case err == nil:
		return r.machine(s.kvm.Note()), nil
	case errors.Is(err, fusion.ErrNotFound): // somebody undefined it
		return fusion.Machine{}, s.undo(ctx, p, err)
	}
	s.config.Log.Warn("a new machine could not be asked for", "machine", p.Spec.Name, "error", err, "trace", fusion.Trace(ctx))
	info, err := domxml.ReadInfo(text)
	if err != nil {
		return fusion.Machine{}, err
	}
	s.touch(p.UUID)
	r = record{shown: p.Spec.Name, domain: domain{uuid: p.UUID, name: p.Spec.Name, state: fusion.Off, Info: info}}
	if p.Spec.Start {
		r.state, r.active, r.started = fusion.Running, true, time.Now()
	}
	return r.machine(s.kvm.Note()), nil
}

// undo takes back a machine that could not be made because of why. Its disks go
// only once it is known to be gone: it may run on them.
func (s *Store) undo(ctx context.Context, p *plan, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	err := s.do(ctx, func(d driver) error { return d.act(p.UUID, fusion.ForceOff) })
	if err == nil || errors.Is(err, fusion.ErrInvalid) { // it is off
		err = s.do(ctx, func(d driver) error { return d.undefine(p.UUID) })
	}
	if err != nil && !errors.Is(err, fusion.ErrNotFound) {
		p.half = true
		return &fusion.Error{Op: "machine.create", Path: p.Spec.Name, Cause: fmt.Errorf("%w; then %w", why, err),
			Detail: "it may be there, with its disks", Hint: "if it is there once libvirt answers again, remove it; if not, its disks go by themselves"}
	}
	s.removeFiles(p.UUID, p.Files())
	return why
}
