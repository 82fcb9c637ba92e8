package vmctl

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"

	"hither/fusion"
	"hither/vmctl/imagefile"
)

// settleBackup undoes what is left of a backup whose node or libvirt was killed. Of one whose job
// libvirt has lost that is so once the machine is off (errHeld) and, where it is the node's own,
// libvirtd is started anew.
func (s *Store) settleBackup(ctx context.Context, id string, i intent) error {
	switch err := s.undoBackup(ctx, i); {
	case isLost(err) && i.Lost:
		return errHeld
	case isLost(err):
		s.config.Log.Warn("libvirt has lost its account of a backup, until the machine is off", "machine", i.Name)
		if i.Lost = s.config.renew != nil; i.Lost {
			if err := s.note(id, i); err != nil {
				return err
			}
		}
		return errHeld
	case err != nil || !i.Lost:
		return err
	}
	// Asked after all else: it may just have ended, and then nothing knows of the job.
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(i.UUID) }, nil)
	switch {
	case errors.Is(err, fusion.ErrNotFound):
		return nil // the job went with it
	case err != nil:
		return err
	case d.active:
		return errHeld
	}
	return s.renew(ctx, i.Name)
}

// undoBackup undoes it: QEMU's copying, a checkpoint that no backup has, file systems that
// stand still, and chunks.
func (s *Store) undoBackup(ctx context.Context, i intent) error {
	release, ok := s.claims.Take("backup", i.UUID)
	if !ok {
		return errors.New("somebody works at its backups")
	}
	defer release()
	v, err := openVault(s.vaultDir(i.UUID))
	if err != nil {
		return err
	}
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(i.UUID) }, nil)
	if err == nil {
		err = s.leaveAlone(ctx, v, d, i)
	}
	if err != nil && !errors.Is(err, fusion.ErrNotFound) {
		return err
	}
	s.config.Log.Info("undone what was left of a backup", "machine", i.Name)
	return s.tidy(v, i.UUID)
}

// leaveAlone takes a machine out of a backup that nobody makes any more.
func (s *Store) leaveAlone(ctx context.Context, v *vault, d domain, i intent) error {
	if d.active && i.Frozen {
		if err := s.thaw(ctx, d.uuid); err != nil {
			return err
		}
	}
	if err := s.endBackup(ctx, d.uuid, d.active); err != nil {
		return err
	}
	all, err := v.manifests()
	if err != nil || i.Checkpoint == "" {
		return err
	}
	for _, m := range all {
		if m.Checkpoint == i.Checkpoint {
			return nil
		}
	}
	return s.dropMark(ctx, d, i.Checkpoint)
}

// unmark removes our checkpoints from a machine: it is about to be what they do not stand.
// The next backup reads all.
func (s *Store) unmark(ctx context.Context, d domain) error {
	marks, err := call(ctx, s, func(c driver) ([]string, error) { return c.checkpoints(d.uuid) }, nil)
	for _, name := range marks {
		if strings.HasPrefix(name, checkpointPrefix) {
			err = errors.Join(err, s.dropMark(ctx, d, name))
		}
	}
	return err
}

// dropMark removes a checkpoint. In the disks of a machine that is off, of which libvirt
// leaves the bitmaps, qemu-img does it.
func (s *Store) dropMark(ctx context.Context, d domain, name string) error {
	if !d.active {
		for _, disk := range d.Disks {
			if disk.Format != imagefile.Qcow2 || disk.Path == "" {
				continue
			}
			out, err := exec.CommandContext(ctx, "qemu-img", "bitmap", "--remove", "-f", imagefile.Qcow2, disk.Path, name).CombinedOutput()
			if _, gone := os.Stat(disk.Path); err != nil && gone == nil && !strings.Contains(string(out), "not found") && !strings.Contains(string(out), "does not exist") {
				return &fusion.Error{Op: opBackup, Path: d.name, Cause: errors.New("qemu-img refuses"), Detail: strings.TrimSpace(string(out))}
			}
		}
	}
	return s.do(ctx, func(c driver) error { return c.removeCheckpoint(d.uuid, name) })
}
