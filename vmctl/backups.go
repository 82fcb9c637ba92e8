package vmctl

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hither/fusion"
)

const (
	opBackup       = "machine.backup"
	opBackups      = "machine.backups"
	opRestore      = "machine.restore"
	opVerify       = "machine.backup.verify"
	opBackupRemove = "machine.backup.remove"
	opSchedule     = "machine.schedule"
)

// Backups gives the backups of the machines. They lie in DIR/backups, a vault for each.
func (s *Store) Backups() fusion.Backups { return backups{s} }

type backups struct{ s *Store }

var _ fusion.Backups = backups{}

func (s *Store) vaultDir(uuid string) string { return filepath.Join(s.config.backups(), uuid) }

// backedUp finds the UUID of a machine that is there, or of one that is gone and has
// backups; there says which.
func (s *Store) backedUp(ctx context.Context, op, machine string) (uuid string, there bool, err error) {
	if machine == fusion.Self {
		return "", false, noBackups(op)
	}
	uuid, err = s.find(ctx, op, machine)
	if err == nil {
		return uuid, true, nil
	}
	// Its host may have no libvirt any more: what was kept can be looked at all the same.
	if gone := s.lastKnown(machine); gone != "" {
		return gone, false, nil
	}
	return "", false, err
}

// lastKnown finds the vault of a machine that had a name when it was last heard of, the
// newest of several.
func (s *Store) lastKnown(machine string) (uuid string) {
	entries, err := os.ReadDir(s.config.backups())
	if err != nil {
		return "" // no backup was ever made
	}
	var newest time.Time
	for _, e := range entries {
		v := &vault{dir: s.vaultDir(e.Name())}
		all, err := v.manifests()
		if err == nil && len(all) > 0 && all[0].Machine == machine && (uuid == "" || all[0].Created.After(newest)) {
			uuid, newest = e.Name(), all[0].Created
		}
	}
	return uuid
}

func noBackups(op string) error {
	return &fusion.Error{Op: op, Path: fusion.Self, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
		Hint: "virtual machines have backups; of a computer, keep folders equal on another one: hither folder share"}
}

func (b backups) List(ctx context.Context, machine string) (fusion.BackupList, error) {
	uuid, there, err := b.s.backedUp(ctx, opBackups, machine)
	if err != nil {
		return fusion.BackupList{}, err
	}
	list, err := b.s.listBackups(uuid, there)
	return list, fail(opBackups, machine, err)
}

func (s *Store) listBackups(uuid string, there bool) (l fusion.BackupList, err error) {
	v := &vault{dir: s.vaultDir(uuid)}
	all, err := v.manifests()
	if err != nil {
		return l, err
	}
	st, err := v.state()
	if err != nil {
		return l, err
	}
	l = fusion.BackupList{Backups: backupsOf(all), Schedule: st.Schedule, Last: st.Tried, Error: st.Error, StoredBytes: st.Stored}
	if there {
		l.Next = st.next()
	}
	return l, nil
}

// working claims the backups of a machine for a change, until release.
func (s *Store) working(op, machine, uuid string) (release func(), err error) {
	release, ok := s.claims.Take("backup", uuid)
	if !ok {
		return nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrBusy, Detail: "something is being done with its backups",
			Hint: "wait until it has ended; hither job ls lists it"}
	}
	return release, nil
}

// one finds a backup of a machine.
func (s *Store) backupNamed(op, machine string, v *vault, id string) (backupManifest, error) {
	m, err := v.read(id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, &fusion.Error{Op: op, Path: machine + "/" + fusionClip(id), Cause: fusion.ErrNotFound, Detail: "no such backup",
			Hint: "hither machine backup ls shows the backups there are"}
	case errors.Is(err, errForeignBackup):
		return m, invalid(op, machine+"/"+id, err.Error(), "update Hither on its host; if it is broken, remove it")
	}
	return m, fail(op, machine, err)
}

func (b backups) Remove(ctx context.Context, machine, id string) error {
	s := b.s
	uuid, _, err := s.backedUp(ctx, opBackupRemove, machine)
	if err != nil {
		return err
	}
	release, err := s.working(opBackupRemove, machine, uuid)
	if err != nil {
		return err
	}
	defer release()
	v, err := openVault(s.vaultDir(uuid))
	if err != nil {
		return fail(opBackupRemove, machine, err)
	}
	_, err = s.backupNamed(opBackupRemove, machine, v, id)
	if err != nil && !errors.Is(err, fusion.ErrInvalid) { // one that is broken goes too
		return err
	}
	if err := s.forgetBackup(ctx, v, uuid, id); err != nil {
		return fail(opBackupRemove, machine, err)
	}
	s.config.Log.Info("backup removed", "machine", machine, "backup", id, "trace", fusion.Trace(ctx))
	return fail(opBackupRemove, machine, s.tidy(v, uuid))
}

// forgetBackup removes a backup, and libvirt's account since it if there is one. What stays
// of that goes with the next backup.
func (s *Store) forgetBackup(ctx context.Context, v *vault, uuid, id string) error {
	m, _ := v.read(id) // of one that is broken nothing is known
	if err := v.forget(id); err != nil || m.Checkpoint == "" {
		return err
	}
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(uuid) }, nil)
	if err == nil {
		err = s.dropMark(ctx, d, m.Checkpoint)
	}
	if err != nil {
		s.config.Log.Debug("a checkpoint stays", "machine", m.Machine, "checkpoint", m.Checkpoint, "error", err)
	}
	return nil
}

// Verify reads each chunk once. One that is broken goes, so that the next full backup
// keeps it anew.
func (b backups) Verify(ctx context.Context, machine, id string) (fusion.Backup, error) {
	s := b.s
	uuid, _, err := s.backedUp(ctx, opVerify, machine)
	if err != nil {
		return fusion.Backup{}, err
	}
	release, err := s.working(opVerify, machine, uuid)
	if err != nil {
		return fusion.Backup{}, err
	}
	defer release()
	v, err := openVault(s.vaultDir(uuid))
	if err != nil {
		return fusion.Backup{}, fail(opVerify, machine, err)
	}
	m, err := s.backupNamed(opVerify, machine, v, id)
	if err == nil {
		err = fail(opVerify, machine, v.verify(ctx, &m, s.config.now()))
	}
	return m.Backup, err
}

// verify reads all of a backup and notes what was found.
func (v *vault) verify(ctx context.Context, m *backupManifest, now time.Time) error {
	broken := ""
	var done, total int64
	for _, d := range m.Disks {
		total += d.Size
	}
	buffer := make([]byte, chunkSize)
	for i, d := range m.Disks {
		sums, err := v.sums(*m, i)
		if errors.Is(err, errBrokenChunk) {
			broken = err.Error()
			continue
		}
		if err != nil {
			return err
		}
		for n, sum := range sums {
			if err := ctx.Err(); err != nil {
				return err
			}
			part := buffer[:chunkLength(d.Size, n)]
			switch err := v.get(sum, part); {
			case errors.Is(err, errBrokenChunk):
				broken = err.Error()
				if err := v.condemn(err); err != nil {
					return err
				}
			case err != nil:
				return err
			}
			done += int64(len(part))
			fusion.Report(ctx, fusion.Progress{Step: "reads the backup", Done: done, Total: total})
		}
	}
	m.Verified, m.Broken = now.UTC(), broken
	return v.write(*m)
}
