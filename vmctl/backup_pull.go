package vmctl

import (
	"context"
	"errors"
	"os"
	"strings"

	"hither/fusion"
	"hither/vmctl/imagefile"
)

// pulling is a backup whose disks QEMU serves as they were at its moment, by NBD on a
// socket of its own (https://libvirt.org/kbase/internals/incremental-backup.html, "pull
// mode"): the pool takes only what the guest overwrites meanwhile, however full it is. So a
// backup goes to another host, which may take long. It needs QEMU to be of the node's own
// user, as that of a private libvirtd is.
type pulling struct {
	socket string
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the watch has ended; nil before it began
}

func (b *liveBackup) newPull() *pulling {
	if _, far := b.to.(*afar); !far || !b.s.privateUsed() {
		return nil
	}
	return &pulling{socket: b.s.config.private().USBSocket("backup-" + b.r.uuid[:8])}
}

// at is the socket, "" where QEMU copies.
func (p *pulling) at() string {
	if p == nil {
		return ""
	}
	return p.socket
}

// watchPull gives the backup up when the pool fills up, or QEMU ends the job: a guest whose
// old data finds no room is told that its disk is broken.
func (b *liveBackup) watchPull() {
	p := b.pull
	b.ctx, p.cancel = context.WithCancelCause(b.ctx)
	p.done = make(chan struct{})
	ctx := b.ctx
	go func() {
		defer close(p.done)
		job, err := b.s.awaitBackup(ctx, b.r.uuid, func(backupJob) {})
		if err == nil {
			err = &fusion.Error{Op: opBackup, Path: b.r.shown, Cause: errHypervisor, Detail: job.why, Hint: "try again"}
		}
		p.cancel(err)
	}()
}

// end ends the watch; the job ends with endBackup.
func (p *pulling) end() {
	if p == nil {
		return
	}
	if p.done != nil {
		p.cancel(nil)
		<-p.done
	}
	_ = os.Remove(p.socket) // QEMU leaves it there
}

// findPulled tells what is to be read of the disks that QEMU serves.
func (b *liveBackup) findPulled() (err error) {
	for _, d := range b.r.Disks {
		size, err := capacity(d)
		if err != nil {
			return err
		}
		src := backupSource{disk: d, path: "nbd+unix:///" + d.Target + "?socket=" + b.pull.socket, format: imagefile.Raw, size: size}
		if b.since == nil {
			src.parts, err = mapped(b.ctx, opBackup, b.r.shown, src.path, src.format, false)
		} else {
			b.made.Kind = fusion.BackupIncremental
			src.parts, err = b.dirty(d.Target)
		}
		if err != nil {
			return errors.Join(b.ctx.Err(), err)
		}
		b.sources = append(b.sources, src)
	}
	b.made.Checkpoint = b.checkpoint
	return nil
}

// dirty gives what was written to a disk since the checkpoint. Of a bitmap qemu-img says
// that what is dirty has no data (x-dirty-bitmap in QEMU's qapi/block-core.json).
func (b *liveBackup) dirty(target string) ([]extent, error) {
	options := "driver=nbd,export=" + target + ",server.type=unix,server.path=" + strings.ReplaceAll(b.pull.socket, ",", ",,") +
		",x-dirty-bitmap=qemu:dirty-bitmap:backup-" + target
	return mapImage(b.ctx, opBackup, b.r.shown, []string{"--image-opts", options}, func(_, data, _ bool) bool { return !data })
}
