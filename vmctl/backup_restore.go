package vmctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
	"hither/vmctl/process"
)

// Restore brings a backup back. Each chunk is checked as it is read; a disk is named once
// it is whole, and the definition comes last.
func (b backups) Restore(ctx context.Context, machine, id string, spec fusion.RestoreSpec) (fusion.Machine, error) {
	if b.place.At != "" {
		return b.restoreFar(ctx, machine, id, spec)
	}
	s := b.s
	on, err := s.shelved(ctx, opRestore, b.place.Of, machine)
	if err != nil {
		return fusion.Machine{}, err
	}
	defer on.release()
	m, err := s.backupNamed(opRestore, machine, on.vault, id)
	if err != nil {
		return fusion.Machine{}, err
	}
	r := &restoring{s: s, ctx: ctx, stock: on.vault, vault: on.vault, from: m, spec: spec}
	return r.restore(machine, on.there, on.foreign)
}

// restoreFar brings back what another host keeps. Of this host's own machine the definition
// is the one that was noted here.
func (b backups) restoreFar(ctx context.Context, machine, id string, spec fusion.RestoreSpec) (fusion.Machine, error) {
	s := b.s
	uuid, there, release, err := b.noted(ctx, opRestore, machine)
	if err != nil {
		return fusion.Machine{}, err
	}
	defer release()
	k, err := s.keeper(opRestore, b.place.At)
	if err != nil {
		return fusion.Machine{}, err
	}
	stock, m, err := s.far(ctx, k, b.place.Of, uuid, id)
	if err != nil {
		return fusion.Machine{}, fail(opRestore, machine, err)
	}
	defer stock.close()
	foreign := true
	if b.place.Of == "" {
		if note, failed := s.notesAt(uuid, k.ID()).read(id); failed == nil {
			m, foreign = note, false
		}
	}
	r := &restoring{s: s, ctx: ctx, stock: stock, from: m, spec: spec}
	return r.restore(machine, there, foreign)
}

func (r *restoring) restore(machine string, there, foreign bool) (made fusion.Machine, err error) {
	switch {
	case r.spec.As != "" && foreign:
		made, err = r.asForeign()
	case r.spec.As != "":
		made, err = r.asNew()
	case foreign:
		err = invalid(opRestore, machine, "it is of another computer, so it can only become a new machine here", "restore it as a new one: --as NAME")
	case !there:
		err = invalid(opRestore, machine, "the machine is gone", "restore it as a new one: --as "+machine)
	default:
		made, err = r.inPlace(machine)
	}
	if err != nil {
		return fusion.Machine{}, r.explain(machine, err)
	}
	r.s.config.Log.Info("backup restored", "machine", machine, "backup", r.from.ID, "as", made.Name, "trace", fusion.Trace(r.ctx))
	return made, nil
}

// restoring is a backup on its way back.
type restoring struct {
	s     *Store
	ctx   context.Context
	stock stock
	vault *vault // stock, when that is here
	from  backupManifest
	spec  fusion.RestoreSpec
	done  int64
}

func (r *restoring) explain(machine string, err error) error {
	path := machine + "/" + r.from.ID
	switch {
	case r.ctx.Err() != nil:
		return fail(opRestore, machine, r.ctx.Err())
	case errors.Is(err, errBrokenChunk):
		if r.vault != nil {
			if failed := r.vault.markBroken(r.from, err); failed != nil {
				r.s.config.Log.Warn("a broken backup is not marked", "machine", machine, "backup", r.from.ID, "error", failed)
			}
		}
		return invalid(opRestore, path, errBrokenChunk.Error(), "restore another one; hither machine backup ls shows those there are")
	case errors.Is(err, errNoSpace), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return imagepool.NoRoom(opRestore, machine, r.s.config.pool()+" is full")
	}
	return fail(opRestore, machine, err)
}

// asNew makes another machine of it, as a clone is one.
func (r *restoring) asNew() (m fusion.Machine, err error) {
	s := r.s
	release, old, err := s.newcomer(r.ctx, opRestore, r.spec.As)
	if err != nil || old != nil {
		return made(old), err
	}
	defer release()
	was, err := r.was(r.spec.As)
	if err != nil {
		return m, err
	}
	p := plan{Plan: domxml.Plan{Spec: fusion.MachineSpec{Name: r.spec.As, Start: r.spec.Start}, UUID: newUUID(), Key: fusion.Key(r.ctx)}}
	text, files, err := s.cloneDefinition(&p, was, r.from.Definition, map[string]string{})
	if err != nil {
		return m, err
	}
	_, end, err := s.intend(intent{Op: opRestore, Name: r.spec.As, UUID: p.UUID, Files: p.Disks, Start: r.spec.Start})
	if err != nil {
		return m, err
	}
	defer func() { end(!p.half) }()
	if err := r.writeDisks(files); err != nil {
		s.removeDisks(p.Disks)
		return m, err
	}
	return s.defineAs(r.ctx, &p, text)
}

// was is the machine as its backup has it, with only the disks that were kept.
func (r *restoring) was(name string) (record, error) {
	info, err := domxml.ReadInfo(r.from.Definition)
	if err != nil {
		return record{}, err
	}
	info.Disks = slices.DeleteFunc(info.Disks, func(d domxml.Disk) bool {
		return !slices.ContainsFunc(r.from.Disks, func(kept manifestDisk) bool { return kept.Target == d.Target })
	})
	return record{shown: name, domain: domain{uuid: r.from.UUID, name: name, state: fusion.Off, Info: info}}, nil
}

// inPlace gives the machine its definition and its disks as they were. The disks that it
// has stay until libvirt has the new definition.
func (r *restoring) inPlace(machine string) (m fusion.Machine, err error) {
	s := r.s
	now, release, err := s.still(r.ctx, opRestore, machine)
	if err != nil {
		return m, err
	}
	defer release()
	if err := r.replaceable(now); err != nil {
		return m, err
	}
	was, err := r.was(machine)
	if err != nil {
		return m, err
	}
	files, all, next := map[string]string{}, []string{}, len(now.OwnDisks)
	for _, d := range was.Disks {
		files[d.Target] = s.vacantDisk(now, &next)
		all = append(all, files[d.Target])
	}
	text, err := r.definition(now, files, all)
	if err != nil {
		return m, err
	}
	// Whatever of these files the definition does not name is to go, before it changes
	// and after.
	both := append(now.ownTops(s.config.pool()), all...)
	_, end, err := s.intend(intent{Op: opRestore, Name: machine, UUID: now.uuid, Files: both, Layer: true})
	if err != nil {
		return m, err
	}
	if err := r.writeDisks(files); err != nil {
		s.removeDisks(all)
		end(true)
		return m, err
	}
	if err := r.ctx.Err(); err != nil {
		s.removeDisks(all)
		end(true)
		return m, err
	}
	return r.replace(now, text, both, end)
}

// replace defines the machine anew, and removes those of files that it does not name then.
func (r *restoring) replace(now record, text string, files []string, end func(bool)) (m fusion.Machine, err error) {
	s := r.s
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), callTimeout)
	defer cancel()
	if err := s.do(ctx, func(d driver) error { return d.define(text) }); err != nil {
		end(false) // which of the two it has is told later
		return m, err
	}
	// As whoever settles would do it.
	d, err := call(ctx, s, func(d driver) (domain, error) { return d.domain(now.uuid) }, nil)
	if err == nil {
		s.removeDisks(d.unnamed(s.config.pool(), files))
	}
	end(err == nil)
	if err == nil && r.spec.Start {
		err = s.do(ctx, func(d driver) error { return d.act(now.uuid, fusion.Start) })
	}
	if err != nil {
		return m, err
	}
	back, err := s.refresh(ctx, now.uuid)
	if err != nil {
		return m, err
	}
	return back.machine(s.kvm.Note()), nil
}

// replaceable refuses a machine whose disks others need, or hold more than a backup has.
func (r *restoring) replaceable(now record) error {
	if now.Template {
		return isTemplate(opRestore, now.shown)
	}
	if err := r.s.unbased(opRestore, now); err != nil {
		return err
	}
	list, err := r.s.listSnapshots(r.ctx, opRestore, now.shown, now.uuid)
	if err == nil && len(list) > 0 {
		err = invalid(opRestore, now.shown, "it has snapshots, which are inside the disks that would go", "remove the snapshots first, or restore it as a new machine: --as NAME")
	}
	return err
}

// ownTops gives the files that were made for the machine and that its disks are; what
// they stand on is not among them.
func (r record) ownTops(pool string) (files []string) {
	for _, file := range r.madeDisks() {
		if slices.ContainsFunc(r.Disks, func(d domxml.Disk) bool { return d.Path == filepath.Join(pool, file) }) {
			files = append(files, file)
		}
	}
	return files
}

// definition is that of the backup with the machine's name of today and the new disks.
func (r *restoring) definition(now record, files map[string]string, all []string) (string, error) {
	root, ours, err := domxml.ReadOurs(r.from.Definition)
	if err != nil {
		return "", err
	}
	root.Need("name").Data, root.Need("uuid").Data = now.name, now.uuid
	for _, disk := range root.All("devices", "disk") {
		if file := files[disk.Need("target").Attr("dev")]; file != "" {
			domxml.PointTo(disk, filepath.Join(r.s.config.pool(), file))
		}
	}
	tops := now.ownTops(r.s.config.pool())
	ours.Disks, ours.Bases, ours.Template = all, nil, nil
	for _, file := range now.OwnDisks {
		if !slices.Contains(tops, file) { // its seed, and what is left of others
			ours.Disks = append(ours.Disks, file)
		}
	}
	err = domxml.SetOurs(root, *ours)
	return root.String(), err
}

// writeDisks writes the disks of the backup into files of the pool, by target.
func (r *restoring) writeDisks(files map[string]string) error {
	if err := r.s.roomIn(opRestore, r.from.Machine, r.s.config.pool(), r.from.DataBytes); err != nil {
		return err
	}
	for i, d := range r.from.Disks {
		file := files[d.Target]
		if file == "" {
			continue // it was plugged in for that run only
		}
		if err := r.writeDisk(file, i); err != nil {
			return err
		}
	}
	return nil
}

func (r *restoring) writeDisk(file string, disk int) error {
	size := r.from.Disks[disk].Size
	s, job := r.s, imageJob{op: opRestore, name: r.from.Machine}
	temp := filepath.Join(s.config.pool(), imagepool.Partial+file)
	defer os.Remove(temp) // after the rename there is nothing to remove
	if err := s.qemuImg(r.ctx, job, "create", "-q", "-f", imagefile.Qcow2, temp, fmt.Sprint(size)); err != nil {
		return err
	}
	free, err := computer.FreeBytes(s.config.pool())
	if err != nil {
		return err
	}
	image, err := s.openImage(r.ctx, opRestore, r.from.Machine, temp, imagefile.Qcow2, true, max(free-imagepool.Reserve, 0))
	if err != nil {
		return err
	}
	written := r.write(image, disk)
	if err := errors.Join(written, image.close()); err != nil {
		if process.TooLarge(err) {
			return errNoSpace
		}
		return err
	}
	return s.pool.Named(job.op, job.name, temp, file)
}

func (r *restoring) write(image *nbdImage, disk int) error {
	return r.stock.each(r.ctx, r.from, disk, func(n int, _ chunkSum, chunk []byte) error {
		if _, err := image.WriteAt(chunk, int64(n)*chunkSize); err != nil {
			return err
		}
		r.done += int64(len(chunk))
		fusion.Report(r.ctx, fusion.Progress{Step: "writes the disks", Done: r.done, Total: r.from.DataBytes})
		return nil
	})
}
