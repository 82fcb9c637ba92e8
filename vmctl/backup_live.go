package vmctl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/guest"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// liveBackup is the part of a backup of a running machine that QEMU does: it copies the
// disks as they are at one moment, or what was written since an earlier one, into files
// of the pool, which are read when they are whole; or it serves them (backup_pull.go).
type liveBackup struct {
	*taking
	intent     string            // its ID
	files      map[string]string // of the pool, by target
	checkpoint string            // that is made, "" for none
	pull       *pulling          // nil where QEMU copies the disks
	begun      bool
	frozen     bool // its file systems may be
}

// checkpointPrefix begins the names of our checkpoints.
const checkpointPrefix = "hither-"

func (b *liveBackup) copy() error {
	if _, err := call(b.ctx, b.s, func(d driver) (backupJob, error) { return d.backupJob(b.r.uuid) }, nil); err != nil {
		if isLost(err) && b.s.config.renew != nil && !b.s.lost(b.r.uuid) {
			b.begun = true // its intent stays: by it renew learns of the job
			err = errors.Join(err, b.s.note(b.intent, intent{Op: opBackup, URI: b.s.URI(), Name: b.r.shown, UUID: b.r.uuid, Lost: true}))
		}
		return err // soon, rather than after libvirt's wait for a job without an end
	}
	if len(b.r.Disks) == 0 {
		b.made.State = fusion.BackupRunning
		return nil
	}
	marks, err := b.marks()
	if err != nil {
		return err
	}
	if b.since, err = b.to.earlier(b.taking, marks); err != nil {
		return err
	}
	able, err := b.markable()
	if err != nil {
		return err
	}
	if able {
		b.checkpoint = b.to.mark() + b.made.ID
	}
	b.pull = b.newPull()
	err = b.begin()
	if err != nil && b.since != nil && b.ctx.Err() == nil && b.s.connected() {
		// QEMU's account is not whole, as after its process was killed.
		b.s.config.Log.Info("a backup reads all", "machine", b.r.shown, "because", err)
		b.since = nil
		err = b.begin()
	}
	if err != nil {
		return err
	}
	if b.pull != nil {
		b.watchPull()
		return b.findPulled()
	}
	if err := b.await(b.ctx); err != nil {
		return err
	}
	return b.find()
}

// marks gives our checkpoints of the machine.
func (b *liveBackup) marks() ([]string, error) {
	all, err := call(b.ctx, b.s, func(d driver) ([]string, error) { return d.checkpoints(b.r.uuid) }, nil)
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, checkpointPrefix) }), err
}

// sameAs gives the earlier backup since which QEMU kept account of these very disks: the first of
// a list, newest first.
func (t *taking) sameAs(all []backupManifest, marks []string) *backupManifest {
	for _, m := range all {
		if m.Checkpoint != "" && m.Broken == "" && slices.Contains(marks, m.Checkpoint) && t.sameDisks(m) {
			return &m
		}
	}
	return nil
}

func (t *taking) sameDisks(m backupManifest) bool {
	return slices.EqualFunc(t.r.Disks, m.Disks, func(d domxml.Disk, kept manifestDisk) bool {
		size, err := capacity(d)
		return err == nil && d.Target == kept.Target && d.Path == kept.Path && size == kept.Size
	})
}

// markable says whether QEMU can keep account of what is written: in qcow2 disks, whose
// snapshots cannot be reverted to meanwhile (bdrv_snapshot_goto in QEMU's block/snapshot.c).
func (b *liveBackup) markable() (bool, error) {
	for _, d := range b.r.Disks {
		if d.Format != imagefile.Qcow2 {
			return false, nil
		}
	}
	list, err := b.s.listSnapshots(b.ctx, opBackup, b.r.shown, b.r.uuid)
	return len(list) == 0, err
}

// begin makes the files and has QEMU begin. When it fails the files are gone.
func (b *liveBackup) begin() (err error) {
	if err := b.makeFiles(); err != nil {
		return err
	}
	since := ""
	if b.since != nil {
		since = b.since.Checkpoint
	}
	backup, err := newBackupXML(b.r.Info, b.s.config.pool(), b.files, since, b.pull.at())
	if err != nil {
		return err
	}
	mark := ""
	if b.checkpoint != "" {
		if mark, err = newCheckpointXML(b.checkpoint, b.r.Info, b.files); err != nil {
			return err
		}
	}
	if err := b.s.note(b.intent, intent{Op: opBackup, URI: b.s.URI(), Name: b.r.shown, UUID: b.r.uuid, Checkpoint: b.checkpoint, Frozen: true}); err != nil {
		return err
	}
	b.made.State = b.freeze()
	b.begun = true // when libvirt does not answer, it may have begun
	err = b.s.do(b.ctx, func(d driver) error { return d.beginBackup(b.r.uuid, backup, mark) })
	b.thaw(b.ctx)
	if err != nil && b.ctx.Err() == nil && b.s.connected() {
		b.begun = false
		b.removeFiles()
	}
	return err
}

// makeFiles makes the files that QEMU writes, if what they take clearly fits.
func (b *liveBackup) makeFiles() error {
	var need int64
	if b.since == nil && b.pull == nil {
		for _, d := range b.r.Disks {
			need += b.s.weight(d)
		}
	}
	if err := b.s.roomIn(opBackup, b.r.shown, b.s.config.pool(), need); err != nil {
		return err
	}
	b.files = map[string]string{}
	for i, d := range b.r.Disks {
		size, err := capacity(d)
		if err != nil {
			return err
		}
		file := fmt.Sprintf("%sbackup-%s-%d", imagepool.Partial, b.r.uuid, i)
		b.files[d.Target] = file
		if err := b.s.qemuImg(b.ctx, imageJob{op: opBackup, name: b.r.shown}, "create", "-q", "-f", imagefile.Qcow2, filepath.Join(b.s.config.pool(), file), fmt.Sprint(size)); err != nil {
			return err
		}
	}
	return nil
}

func (b *liveBackup) removeFiles() {
	var paths []string
	for _, file := range b.files {
		paths = append(paths, filepath.Join(b.s.config.pool(), file))
	}
	removeFiles(b.s, paths)
}

// freeze has the guest's file systems stand still for the moment that is kept, if it has
// an agent. One that is too slow may do so later: it is told to go on in any case.
func (b *liveBackup) freeze() fusion.BackupState {
	if b.r.state != fusion.Running {
		return fusion.BackupRunning
	}
	var count int
	err := b.s.agentIn(b.r.uuid).Ask(b.ctx, "guest-fsfreeze-freeze", nil, &count)
	b.frozen = err == nil || !errors.Is(err, fusion.ErrUnsupported)
	if err != nil || count == 0 {
		return fusion.BackupRunning
	}
	return fusion.BackupFrozen
}

// thaw lets the guest go on; what does not succeed is done again by whoever settles.
func (b *liveBackup) thaw(ctx context.Context) {
	if !b.frozen {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	err := b.s.thaw(ctx, b.r.uuid)
	b.frozen = err != nil
	if err != nil {
		b.s.config.Log.Warn("a guest's file systems may stand still", "machine", b.r.shown, "error", err)
	}
}

func (s *Store) thaw(ctx context.Context, uuid string) error {
	var count int
	err := s.agentIn(uuid).Ask(ctx, "guest-fsfreeze-thaw", nil, &count)
	var refusal *guest.Refusal
	if errors.As(err, &refusal) || errors.Is(err, fusion.ErrUnsupported) || errors.Is(err, fusion.ErrInvalid) {
		return nil // it knows of no such thing, or the machine ended
	}
	return err
}

// backupPause is between two questions how far QEMU is; its end comes as an event.
const backupPause = 500 * time.Millisecond

// await waits until QEMU has copied all.
func (b *liveBackup) await(ctx context.Context) error {
	job, err := b.s.awaitBackup(ctx, b.r.uuid, func(job backupJob) {
		fusion.Report(ctx, fusion.Progress{Step: "copies the disks", Done: job.done, Total: job.total})
	})
	switch {
	case err != nil:
		return err
	case job.completed:
		b.begun = false
		return nil
	}
	b.begun = false
	if strings.Contains(job.why, "No space left") {
		return errNoSpace
	}
	return &fusion.Error{Op: opBackup, Path: b.r.shown, Cause: errHypervisor, Detail: job.why, Hint: "try again"}
}

// awaitBackup waits until a domain has no backup job any more, and gives how it ended. A
// pool that fills up ends it with errNoSpace: a guest whose disk is full stands still.
func (s *Store) awaitBackup(ctx context.Context, uuid string, tell func(backupJob)) (backupJob, error) {
	heard, stop := s.listen(uuid)
	defer stop()
	pause := time.NewTicker(backupPause)
	defer pause.Stop()
	for {
		job, err := call(ctx, s, func(d driver) (backupJob, error) { return d.backupJob(uuid) }, nil)
		if err != nil || !job.active {
			return job, err
		}
		tell(job)
		if free, err := computer.FreeBytes(s.config.pool()); err == nil && free < imagepool.Reserve {
			return job, errNoSpace
		}
		select {
		case <-heard:
		case <-pause.C:
		case <-ctx.Done():
			return job, ctx.Err()
		}
	}
}

// find tells what is to be read of the files.
func (b *liveBackup) find() error {
	for _, d := range b.r.Disks {
		path := filepath.Join(b.s.config.pool(), b.files[d.Target])
		size, ok := imagefile.VirtualSize(path)
		if !ok {
			return imagefile.ErrBroken
		}
		src := backupSource{disk: d, path: path, format: imagefile.Qcow2, size: size}
		if b.since != nil {
			b.made.Kind = fusion.BackupIncremental
		}
		var err error
		if src.parts, err = mapped(b.ctx, opBackup, b.r.shown, path, imagefile.Qcow2, b.since != nil); err != nil {
			return err
		}
		b.sources = append(b.sources, src)
	}
	b.made.Checkpoint = b.checkpoint
	return nil
}

// end leaves the machine as it was, but for the checkpoint of a backup that was made, and
// says whether it is.
func (b *liveBackup) end(made bool) (known bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), callTimeout)
	defer cancel()
	b.thaw(ctx)
	b.pull.end()
	err := b.s.endBackup(ctx, b.r.uuid, b.begun)
	b.removeFiles()
	if err == nil {
		err = b.dropMarks(ctx, made)
	}
	if err != nil {
		b.s.config.Log.Warn("a machine is not yet as before its backup", "machine", b.r.shown, "error", err)
	}
	return err == nil && !b.frozen
}

// endBackup ends QEMU's part of a backup, if there may be one.
func (s *Store) endBackup(ctx context.Context, uuid string, begun bool) error {
	if !begun {
		return nil
	}
	job, err := call(ctx, s, func(d driver) (backupJob, error) { return d.backupJob(uuid) }, nil)
	if err != nil || !job.active {
		return err
	}
	if err := s.do(ctx, func(d driver) error { return d.abortJob(uuid) }); err != nil && !errors.Is(err, fusion.ErrInvalid) {
		return err
	}
	_, err = s.awaitBackup(ctx, uuid, func(backupJob) {})
	if errors.Is(err, errNoSpace) { // it is being ended
		return nil
	}
	return err
}

// mostMarks bounds the accounts of one machine that QEMU keeps: one for each place.
const mostMarks = 4

// dropMarks removes the checkpoints that no later backup will go back to: of each place the
// newest stays, so that backups to several places are incremental.
func (b *liveBackup) dropMarks(ctx context.Context, made bool) error {
	marks, err := call(ctx, b.s, func(d driver) ([]string, error) { return d.checkpoints(b.r.uuid) }, nil)
	for _, name := range surplusMarks(marks, b.checkpoint, made) {
		err = errors.Join(err, b.s.do(ctx, func(d driver) error { return d.removeCheckpoint(b.r.uuid, name) }))
	}
	return err
}

// surplusMarks gives those of a machine's checkpoints that go once the one of a backup, ""
// where it has none, was made for good or for nothing.
func surplusMarks(marks []string, checkpoint string, made bool) (surplus []string) {
	switch {
	case checkpoint == "":
		return nil
	case !made:
		if slices.Contains(marks, checkpoint) {
			surplus = append(surplus, checkpoint)
		}
		return surplus
	}
	place, _ := cutMark(checkpoint)
	var others []string
	for _, name := range marks {
		of, ours := cutMark(name)
		switch {
		case !ours || name == checkpoint:
		case of == place:
			surplus = append(surplus, name)
		default:
			others = append(others, name)
		}
	}
	slices.SortFunc(others, func(a, b string) int { return strings.Compare(markTime(b), markTime(a)) }) // newest first
	return append(surplus, others[min(len(others), mostMarks-1):]...)
}

// cutMark gives the part of a checkpoint's name that says where its backup is.
func cutMark(name string) (place string, ours bool) {
	rest, ours := strings.CutPrefix(name, checkpointPrefix)
	if strings.HasPrefix(rest, awayMark) && len(rest) > awayMarkLength {
		return rest[:awayMarkLength], ours
	}
	return "", ours
}

// markTime gives the part that says when it was made, the ID of its backup.
func markTime(name string) string {
	place, _ := cutMark(name)
	return strings.TrimPrefix(name, checkpointPrefix+place)
}
