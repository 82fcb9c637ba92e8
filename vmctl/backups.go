package vmctl

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
func (s *Store) Backups() fusion.Backups { return backups{s: s} }

type backups struct {
	s     *Store
	place fusion.BackupPlace
}

func (b backups) At(place fusion.BackupPlace) fusion.Backups {
	if place.Of == b.s.config.ID {
		place.Of = ""
	}
	if place.At == b.s.config.ID {
		place.At = ""
	}
	return backups{b.s, place}
}

// notHere refuses what only the host of a machine does.
func notHere(op, machine string) error {
	return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: "only the host of a machine takes its backups",
		Hint: "name the machine on its host: HOST/MACHINE"}
}

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
		for _, v := range s.knownVaults(e.Name()) {
			all, err := v.manifests()
			if err == nil && len(all) > 0 && all[0].Machine == machine && (uuid == "" || all[0].Created.After(newest)) {
				uuid, newest = e.Name(), all[0].Created
			}
		}
	}
	return uuid
}

// knownVaults gives the vault of a machine, and the notes of what other hosts keep of it.
func (s *Store) knownVaults(uuid string) []*vault {
	list := []*vault{{dir: s.vaultDir(uuid)}}
	keepers, err := names(filepath.Join(s.vaultDir(uuid), awayDir))
	if err != nil {
		s.config.Log.Warn("what other hosts keep is not known", "machine", uuid, "error", err)
	}
	for _, id := range keepers {
		list = append(list, s.notesAt(uuid, fusion.HostID(id)))
	}
	return list
}

func noBackups(op string) error {
	return &fusion.Error{Op: op, Path: fusion.Self, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
		Hint: "virtual machines have backups; of a computer, keep folders equal on another one: hither folder share"}
}

func (b backups) List(ctx context.Context, machine string) (fusion.BackupList, error) {
	if b.place.Of != "" {
		return b.listKept(ctx, machine)
	}
	uuid, there, err := b.s.backedUp(ctx, opBackups, machine)
	if err != nil {
		return fusion.BackupList{}, err
	}
	list, err := b.s.listBackups(ctx, uuid, there)
	if b.place.At != "" {
		list.Backups = slices.DeleteFunc(list.Backups, func(one fusion.Backup) bool { return one.Keeper != b.place.At })
	}
	return list, fail(opBackups, machine, err)
}

// listKept lists what is kept of a machine of another host.
func (b backups) listKept(ctx context.Context, machine string) (fusion.BackupList, error) {
	if b.place.At != "" {
		_, far, err := b.distant(opBackups, machine)
		if err != nil {
			return fusion.BackupList{}, err
		}
		return far.List(ctx, machine)
	}
	uuid, err := b.s.keptVault(opBackups, b.place.Of, machine)
	if err != nil {
		return fusion.BackupList{}, err
	}
	list, err := b.s.keptFor(b.place.Of, uuid)
	if err != nil || len(list) == 0 {
		return fusion.BackupList{}, fail(opBackups, machine, err)
	}
	return fusion.BackupList{Backups: list[0].Backups, StoredBytes: list[0].StoredBytes}, nil
}

// listBackups lists what there is of a machine, here and at other hosts.
func (s *Store) listBackups(ctx context.Context, uuid string, there bool) (l fusion.BackupList, err error) {
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
	far, keepers, err := s.elsewhere(ctx, uuid)
	l.Backups, l.Keepers = append(l.Backups, far...), keepers
	fusion.SortBackups(l.Backups)
	return l, err
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
	if b.place.At != "" {
		return b.removeFar(ctx, machine, id)
	}
	s := b.s
	on, err := s.shelved(ctx, opBackupRemove, b.place.Of, machine)
	if err != nil {
		return err
	}
	defer on.release()
	_, err = s.backupNamed(opBackupRemove, machine, on.vault, id)
	if err != nil && !errors.Is(err, fusion.ErrInvalid) { // one that is broken goes too
		return err
	}
	if on.foreign {
		err = on.forget(id)
		if err == nil {
			err = s.clearVault(on.vault)
		}
	} else if err = s.forgetBackup(ctx, on.vault, on.uuid, id); err == nil {
		err = s.tidy(on.vault, on.uuid)
	}
	if err != nil {
		return fail(opBackupRemove, machine, err)
	}
	s.config.Log.Info("backup removed", "machine", machine, "backup", id, "of", b.place.Of, "trace", fusion.Trace(ctx))
	return nil
}

// removeFar has the keeper remove a backup. One that is gone there, or whose keeper is not
// paired any more, is forgotten.
func (b backups) removeFar(ctx context.Context, machine, id string) error {
	uuid, _, release, err := b.noted(ctx, opBackupRemove, machine)
	if err != nil {
		return err
	}
	defer release()
	_, far, err := b.distant(opBackupRemove, machine)
	if err == nil {
		err = far.Remove(ctx, uuid, id)
	}
	if b.place.Of == "" && (err == nil || errors.Is(err, fusion.ErrNotFound)) {
		notes := b.s.notesAt(uuid, b.place.At)
		if _, failed := notes.read(id); failed == nil {
			err = notes.forget(id)
		}
	}
	return fail(opBackupRemove, machine, err)
}

// noted claims the backups of a machine of this host, and gives its UUID and whether it is
// there; of another host's machine there is nothing to claim here.
func (b backups) noted(ctx context.Context, op, machine string) (uuid string, there bool, release func(), err error) {
	if b.place.Of != "" {
		return machine, false, func() {}, nil
	}
	if uuid, there, err = b.s.backedUp(ctx, op, machine); err != nil {
		return "", false, nil, err
	}
	release, err = b.s.working(op, machine, uuid)
	return uuid, there, release, err
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
	if b.place.At != "" {
		return b.verifyFar(ctx, machine, id)
	}
	on, err := s.shelved(ctx, opVerify, b.place.Of, machine)
	if err != nil {
		return fusion.Backup{}, err
	}
	defer on.release()
	m, err := s.backupNamed(opVerify, machine, on.vault, id)
	if err == nil {
		err = fail(opVerify, machine, on.verify(ctx, &m, s.config.now()))
	}
	return m.Backup, err
}

// verifyFar has the keeper read it: nothing goes over the network.
func (b backups) verifyFar(ctx context.Context, machine, id string) (fusion.Backup, error) {
	uuid, _, release, err := b.noted(ctx, opVerify, machine)
	if err != nil {
		return fusion.Backup{}, err
	}
	defer release()
	k, far, err := b.distant(opVerify, machine)
	if err != nil {
		return fusion.Backup{}, err
	}
	read, err := far.Verify(ctx, uuid, id)
	read.Keeper, read.Where = k.ID(), k.Name()
	return read, fail(opVerify, machine, err)
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
