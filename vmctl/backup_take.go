package vmctl

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

// Take makes a backup. A machine that is off is read where its disks lie, and claimed; of
// one that runs QEMU copies the disks first (backup_live.go).
func (b backups) Take(ctx context.Context, machine string) (fusion.Backup, error) {
	return b.s.takeBackup(ctx, machine, false)
}

func (s *Store) takeBackup(ctx context.Context, machine string, scheduled bool) (fusion.Backup, error) {
	if machine == fusion.Self {
		return fusion.Backup{}, noBackups(opBackup)
	}
	uuid, err := s.find(ctx, opBackup, machine)
	if err != nil {
		return fusion.Backup{}, err
	}
	release, err := s.working(opBackup, machine, uuid)
	if err != nil {
		return fusion.Backup{}, err
	}
	defer release()
	r, release, err := s.resting(ctx, machine)
	if err != nil {
		return fusion.Backup{}, err
	}
	defer release()
	t, err := s.newTaking(ctx, r)
	if err == nil {
		t.made.Scheduled = scheduled
		err = t.take()
	}
	if err != nil {
		return fusion.Backup{}, s.explainBackup(machine, err)
	}
	made := t.made.Backup
	s.config.Log.Info("backup taken", "machine", machine, "backup", made.ID, "kind", made.Kind, "state", made.State, "read", made.ReadBytes,
		"added", made.AddedBytes, "trace", fusion.Trace(ctx))
	return made, nil
}

// resting claims a machine as a backup needs it: alone while it is off, together with its
// verbs while it runs.
func (s *Store) resting(ctx context.Context, machine string) (r record, release func(), err error) {
	release, ok := s.claims.Share("machine", machine)
	if !ok {
		return r, nil, inWork(opBackup, machine)
	}
	uuid, err := s.find(ctx, opBackup, machine)
	if err == nil {
		r, err = s.fresh(ctx, opBackup, machine, uuid)
	}
	if err == nil {
		err = clonable(opBackup, r)
	}
	switch {
	case err != nil:
		release()
		return r, nil, err
	case r.active:
		return r, release, nil
	}
	release()
	if r, release, err = s.alone(ctx, opBackup, machine); err != nil {
		return r, nil, err
	}
	if err := isStill(opBackup, r); err != nil {
		release()
		return r, nil, err
	}
	return r, release, nil
}

// explainBackup gives an error of the vault its words.
func (s *Store) explainBackup(machine string, err error) error {
	if errors.Is(err, errBrokenChunk) {
		return &fusion.Error{Op: opBackup, Path: machine, Cause: errBrokenChunk, Detail: "an earlier backup is broken", Hint: "take it again: then all is read"}
	}
	if errors.Is(err, errNoSpace) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return imagepool.NoRoom(opBackup, machine, s.config.backups()+" is full")
	}
	return fail(opBackup, machine, err)
}

// taking is a backup that is being made.
type taking struct {
	s     *Store
	ctx   context.Context
	r     record
	vault *vault
	made  backupManifest
	// since is the backup whose checkpoint QEMU's account goes back to, nil for a full one.
	since   *backupManifest
	sources []backupSource // of each disk
	total   int64          // bytes to read
}

// backupSource is where a disk of a backup is read.
type backupSource struct {
	disk         domxml.Disk // as the machine has it
	path, format string      // of the image that is read
	size         int64
	parts        []extent   // that are to be read
	base         []chunkSum // what the rest is, nil for zeros
}

func (s *Store) newTaking(ctx context.Context, r record) (*taking, error) {
	v, err := openVault(s.vaultDir(r.uuid))
	if err == nil {
		err = s.tidy(v, r.uuid)
	}
	if err != nil {
		return nil, err
	}
	now := s.config.now().UTC().Truncate(time.Millisecond)
	t := &taking{s: s, ctx: ctx, r: r, vault: v}
	t.made = backupManifest{UUID: r.uuid, Backup: fusion.Backup{ID: v.newID(now), Machine: r.shown, Created: now, Kind: fusion.BackupFull, State: fusion.BackupOff}}
	t.made.Definition, err = call(ctx, s, func(d driver) (string, error) { return d.persistent(r.uuid) }, nil)
	return t, err
}

// take makes it, and undoes what it did when it fails.
func (t *taking) take() (err error) {
	id, end, err := t.s.intend(intent{Op: opBackup, Name: t.r.shown, UUID: t.r.uuid})
	if err != nil {
		return err
	}
	known := true
	defer func() { end(known) }()
	defer func() {
		if err != nil {
			err = errors.Join(err, t.s.tidy(t.vault, t.r.uuid))
		}
	}()
	if t.r.active {
		known = false // until the machine is as it was
		live := &liveBackup{taking: t, intent: id}
		defer func() { known = live.end(err == nil) }()
		err = live.copy()
	} else {
		err = t.atRest()
	}
	if err == nil {
		err = t.keep()
	}
	return err
}

// atRest reads the disks of a machine that is off where they lie.
func (t *taking) atRest() error {
	if err := t.s.roomIn(opBackup, t.r.shown, t.vault.dir, 0); err != nil {
		return err
	}
	for _, d := range t.r.Disks {
		size, err := capacity(d)
		if err != nil {
			return err
		}
		parts, err := mapped(t.ctx, opBackup, t.r.shown, d.Path, d.Format, false)
		if err != nil {
			return err
		}
		t.sources = append(t.sources, backupSource{disk: d, path: d.Path, format: d.Format, size: size, parts: parts})
	}
	return nil
}

// keep reads what is to be read, and writes the backup.
func (t *taking) keep() error {
	for _, src := range t.sources {
		for _, p := range src.parts {
			t.total += p.length
		}
	}
	for i, src := range t.sources {
		sums, err := t.read(src)
		if err != nil {
			return err
		}
		disk := manifestDisk{Target: src.disk.Target, Path: src.disk.Path, Size: src.size}
		t.made.Disks = append(t.made.Disks, disk)
		if t.made.Disks[i].Sums, err = t.vault.writeSums(t.made.list(i), sums); err != nil {
			return err
		}
	}
	// What is named must be on the disk before the name is.
	if err := syncAll(t.vault.dir); err != nil {
		return err
	}
	if err := t.ctx.Err(); err != nil {
		return err
	}
	if err := t.vault.write(t.made); err != nil {
		return err
	}
	_, err := t.s.schedules.change(t.r.uuid, func(st *backupState) { st.Machine, st.Stored = t.r.shown, st.Stored+t.made.AddedBytes })
	if err != nil {
		t.s.config.Log.Warn("what backups take is not known", "machine", t.r.shown, "error", err)
	}
	return nil
}

// read cuts a disk into chunks and keeps them.
func (t *taking) read(src backupSource) (sums []chunkSum, err error) {
	sums = make([]chunkSum, (src.size+chunkSize-1)/chunkSize)
	copy(sums, src.base)
	if len(src.parts) > 0 {
		if err := t.readParts(src, sums); err != nil {
			return nil, err
		}
	}
	for n, sum := range sums {
		if sum != (chunkSum{}) {
			t.made.DataBytes += int64(chunkLength(src.size, n))
		}
	}
	return sums, nil
}

func (t *taking) readParts(src backupSource, sums []chunkSum) (err error) {
	image, err := t.s.openImage(t.ctx, opBackup, t.r.shown, src.path, src.format, false, 0)
	if err != nil {
		return err
	}
	defer func() {
		closed := image.close()
		switch {
		case t.ctx.Err() != nil:
			err = t.ctx.Err()
		case err == nil:
			err = closed
		}
	}()
	buffer := make([]byte, chunkSize)
	for begin := 0; begin < len(src.parts); {
		n := int(src.parts[begin].start / chunkSize)
		chunk := buffer[:chunkLength(src.size, n)]
		if err := t.vault.get(sums[n], chunk); err != nil {
			return errors.Join(err, t.vault.condemn(err))
		}
		begin, err = t.fill(image, src.parts, begin, chunk, int64(n)*chunkSize)
		if err != nil {
			return err
		}
		sum, took, err := t.vault.put(chunk)
		if err != nil {
			return err
		}
		sums[n] = sum
		t.made.AddedBytes += took
		fusion.Report(t.ctx, fusion.Progress{Step: "keeps what is new", Done: t.made.ReadBytes, Total: t.total})
	}
	return nil
}

// fill reads the parts that are in the chunk at offset, and gives the first that goes on
// behind it. It cuts that one.
func (t *taking) fill(image *nbdImage, parts []extent, from int, chunk []byte, offset int64) (int, error) {
	end := offset + int64(len(chunk))
	for ; from < len(parts) && parts[from].start < end; from++ {
		p := &parts[from]
		length := min(p.length, end-p.start)
		if _, err := image.ReadAt(chunk[p.start-offset:][:length], p.start); err != nil {
			return 0, errors.Join(t.ctx.Err(), err)
		}
		t.made.ReadBytes += length
		if length < p.length {
			p.start, p.length = end, p.length-length
			break
		}
	}
	return from, nil
}

// roomIn refuses when need bytes do not fit into a directory.
func (s *Store) roomIn(op, name, dir string, need int64) error {
	free, err := computer.FreeBytes(dir)
	if err != nil {
		return err
	}
	if need+imagepool.Reserve <= free {
		return nil
	}
	return imagepool.NoRoom(op, name, dir+" is full: "+imagepool.BytesText(free)+" free, "+imagepool.BytesText(need+imagepool.Reserve)+" needed")
}

// removeFiles removes files of the pool whose names are partial.
func removeFiles(s *Store, paths []string) {
	if err := removeAll(paths); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.config.Log.Warn("a part of a backup stays", "error", err)
	}
}
