package vmctl

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagepool"
)

const opSave = "machine.save"

// Save lets libvirt write a machine's memory beside its own files and end it
// (virDomainManagedSave). When ctx ends first libvirt lets it run on. It survives the
// node: a save that was begun is ended by libvirt itself.
func (s *Store) Save(ctx context.Context, machine string) error {
	if machine == fusion.Self {
		return &fusion.Error{Op: opSave, Path: machine, Cause: fusion.ErrUnsupported,
			Detail: "a computer is not switched from here", Hint: "open its desktop and use the menu there"}
	}
	r, release, err := s.alone(ctx, opSave, machine)
	if err != nil {
		return err
	}
	defer release()
	if able := verbsFor(r.domain); !slices.Contains(able, fusion.Save) {
		return invalid(opSave, machine, "it is "+string(r.state), nowCan(able))
	}
	if err := s.unlost(ctx, opSave, r); err != nil {
		return err
	}
	if err := s.roomToSave(ctx, machine, r.domain); err != nil {
		return err
	}
	done := make(chan error, 1)
	s.running.Go(func() {
		done <- s.do(context.WithoutCancel(ctx), func(d driver) error {
			plug, err := s.redirections.unplug(d, r.uuid)
			if err != nil {
				return err
			}
			defer plug()
			return d.save(r.uuid)
		})
	})
	err = s.watchJob(ctx, r.uuid, "writes its memory", nothing, done)
	s.touch(r.uuid)
	if err != nil {
		if ctx.Err() != nil && s.savedAfterAll(ctx, r.uuid) {
			return nil // it was too late to end it
		}
		if errors.Is(err, context.Canceled) {
			return ctx.Err()
		}
		return fail(opSave, machine, err)
	}
	s.config.Log.Info("machine saved", "machine", machine, "trace", fusion.Trace(ctx))
	return nil
}

func (s *Store) savedAfterAll(ctx context.Context, uuid string) bool {
	ctx, cancel := withinCall(ctx)
	defer cancel()
	r, err := s.refresh(ctx, uuid)
	return err == nil && r.state == fusion.Saved
}

// roomToSave refuses when the memory may not fit beside a private libvirt's files; where
// another libvirt keeps it is not known here.
func (s *Store) roomToSave(ctx context.Context, machine string, d domain) error {
	if !s.privateUsed() {
		return nil
	}
	free, err := computer.FreeBytes(s.config.Dir)
	if err != nil {
		return nil // libvirt will say
	}
	used, err := s.memoryUsed(ctx, d)
	if err != nil {
		return fail(opSave, machine, err)
	}
	if used+imagepool.Reserve <= free {
		return nil
	}
	return imagepool.NoRoom(opSave, machine, fmt.Sprintf("%s is full: %s free, up to %s needed", s.config.Dir, imagepool.BytesText(free), imagepool.BytesText(used+imagepool.Reserve)))
}
