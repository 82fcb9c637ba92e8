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
	if b.place.Of != "" {
		return fusion.Backup{}, notHere(opBackup, machine)
	}
	return b.s.takeBackup(ctx, machine, b.place.At, nil)
}

// takeBackup makes a backup on this host's disk, or at another host. keep is the schedule's
// that has it made, nil for one that a person takes.
func (s *Store) takeBackup(ctx context.Context, machine string, at fusion.HostID, keep *fusion.BackupKeep) (fusion.Backup, error) {
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
	to, err := s.shelf(at, keep)
	if err != nil {
		return fusion.Backup{}, err
	}
	r, release, err := s.resting(ctx, machine)
	if err != nil {
		return fusion.Backup{}, err
	}
	defer release()
	t, err := s.newTaking(ctx, r, to)
	if err == nil {
		t.made.Scheduled = keep != nil
		err = t.take()
	}
	if err != nil {
		return fusion.Backup{}, s.explainBackup(machine, err)
	}
	made := to.named(t.made.Backup)
	s.config.Log.Info("backup taken", "machine", machine, "backup", made.ID, "kind", made.Kind, "state", made.State, "read", made.ReadBytes,
		"added", made.AddedBytes, "where", made.Where, "trace", fusion.Trace(ctx))
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
	if d := (*driverError)(nil); isLost(err) && s.config.renew != nil && errors.As(err, &d) {
		return &fusion.Error{Op: opBackup, Path: machine, Cause: d.cause, Detail: d.text, Hint: lostHint}
	}
	return fail(opBackup, machine, err)
}

// taking is a backup that is being made.
type taking struct {
	s    *Store
	ctx  context.Context
	r    record
	to   shelf
	made backupManifest
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
	parts        []extent // that are to be read; the rest is as in since, or zeros
}

func (s *Store) newTaking(ctx context.Context, r record, to shelf) (*taking, error) {
	now := s.config.now().UTC().Truncate(time.Millisecond)
	t := &taking{s: s, ctx: ctx, r: r, to: to}
	t.made = backupManifest{UUID: r.uuid, Backup: fusion.Backup{Machine: r.shown, Created: now, Kind: fusion.BackupFull, State: fusion.BackupOff}}
	if err := to.open(t); err != nil {
		return nil, err
	}
	var err error
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
			err = errors.Join(err, t.to.undo(t))
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
	if cause := context.Cause(t.ctx); err != nil && cause != nil && t.ctx.Err() != nil {
		err = cause // why it was given up: a person, or watchPull
	}
	return err
}

// atRest reads the disks of a machine that is off where they lie.
func (t *taking) atRest() error {
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
		t.made.Disks = append(t.made.Disks, manifestDisk{Target: src.disk.Target, Path: src.disk.Path, Size: src.size})
	}
	if err := t.to.begin(t); err != nil {
		return err
	}
	for i, src := range t.sources {
		if err := t.to.disk(t, i, src); err != nil {
			return err
		}
	}
	return t.to.keep(t)
}

// each reads a disk's parts, chunk by chunk: do is given the chunk's number, and has it read
// into a buffer that holds what the rest of it is.
func (t *taking) each(src backupSource, do func(n int, parts []extent, read func(chunk []byte) error) error) (err error) {
	if len(src.parts) == 0 {
		return nil
	}
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
	for left := src.parts; len(left) > 0; {
		n := int(left[0].start / chunkSize)
		parts, rest := within(left, int64(n)*chunkSize, int64(chunkLength(src.size, n)))
		read := func(chunk []byte) error { return t.fill(image, parts, chunk, int64(n)*chunkSize) }
		if err := do(n, parts, read); err != nil {
			return err
		}
		left = rest
		fusion.Report(t.ctx, fusion.Progress{Step: "keeps what is new", Done: t.made.ReadBytes, Total: t.total})
	}
	return nil
}

// within gives what of the parts is in the chunk at offset, and what is behind it. It cuts
// the part that goes on there.
func within(parts []extent, offset, length int64) (in, rest []extent) {
	end := offset + length
	for i, p := range parts {
		if p.start >= end {
			return in, parts[i:]
		}
		if over := p.start + p.length - end; over > 0 {
			p.length -= over
			parts[i] = extent{end, over}
			return append(in, p), parts[i:]
		}
		in = append(in, p)
	}
	return in, nil
}

// fill reads parts of the chunk at offset.
func (t *taking) fill(image *nbdImage, parts []extent, chunk []byte, offset int64) error {
	for _, p := range parts {
		if _, err := image.ReadAt(chunk[p.start-offset:][:p.length], p.start); err != nil {
			return errors.Join(t.ctx.Err(), err)
		}
		t.made.ReadBytes += p.length
	}
	return nil
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
