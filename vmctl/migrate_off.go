package vmctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hither/fusion"
)

// shutTime is how long a guest may take to shut down before its machine moves.
const shutTime = 2 * time.Minute

// shutDown lets a machine that is to move while it is off shut down, once it is known that
// it can move. Should it not move then, it is started again (goOn).
func (s *Store) shutDown(ctx context.Context, o MigrationOffer, peer MigrationPeer) error {
	if !o.Start {
		return nil
	}
	found, err := peer.Examine(ctx, o)
	if err == nil {
		err = refuseMove(o.Name, found)
	}
	if err != nil {
		return err
	}
	fusion.Report(ctx, fusion.Progress{Step: "waits for the guest to shut down"})
	heard, stop := s.listen(o.UUID)
	defer stop()
	if err := s.do(ctx, func(d driver) error { return d.act(o.UUID, fusion.Stop) }); err != nil {
		return err
	}
	s.asked(ctx, o.UUID)
	limit := time.NewTimer(shutTime)
	defer limit.Stop()
	for {
		r, err := s.refresh(ctx, o.UUID)
		if err != nil || !r.active {
			return err
		}
		select {
		case <-heard:
		case <-limit.C:
			return &fusion.Error{Op: opMigrate, Path: o.Name, Cause: fusion.ErrBusy, Detail: fmt.Sprintf("its guest has not shut down within %s", shutTime),
				Hint: "shut it down from within, or stop it with hither machine stop --force, and move it then"}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unsnapped refuses a machine with snapshots: libvirt's notes on them do not go along.
func (s *Store) unsnapped(ctx context.Context, r record) error {
	kept, err := call(ctx, s, func(d driver) ([]fusion.Snapshot, error) { return d.snapshots(r.uuid) }, nil)
	if errors.Is(err, fusion.ErrUnsupported) || err == nil && len(kept) == 0 {
		return nil
	}
	if err != nil {
		return fail(opMigrate, r.shown, err)
	}
	return invalid(opMigrate, r.shown, fmt.Sprintf("it has %d snapshots, which cannot go along", len(kept)), "remove them with hither machine snapshot rm, or move a full clone of it")
}
