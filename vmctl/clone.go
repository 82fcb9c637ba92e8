package vmctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

const opClone = "machine.clone"

// Clone makes a machine out of one that is off. A full clone copies the disks; a
// linked one stands on the origin's (clone_linked.go).
func (s *Store) Clone(ctx context.Context, machine string, spec fusion.CloneSpec) (fusion.Machine, error) {
	if machine == fusion.Self {
		_, _, err := s.still(ctx, opClone, machine)
		return fusion.Machine{}, err
	}
	if err := spec.Check(); err != nil {
		return fusion.Machine{}, err
	}
	release, old, err := s.newcomer(ctx, opClone, spec.Name)
	if err != nil || old != nil {
		return made(old), err
	}
	defer release()
	origin, release, err := s.origin(ctx, machine)
	if err != nil {
		return fusion.Machine{}, err
	}
	defer release()
	linked := spec.Mode == fusion.CloneLinked || spec.Mode == fusion.CloneAuto && origin.Template
	m, err := s.clone(ctx, origin, spec, linked)
	if err != nil {
		return fusion.Machine{}, fail(opClone, machine, err)
	}
	s.config.Log.Info("machine cloned", "machine", machine, "clone", spec.Name, "uuid", m.UUID, "linked", linked, "trace", fusion.Trace(ctx))
	return m, nil
}

// made gives the machine that an earlier call made.
func made(m *fusion.Machine) fusion.Machine {
	if m == nil {
		return fusion.Machine{}
	}
	return *m
}

// newcomer claims the name of a machine that is to be made, until release; or it
// gives the one that an earlier call with the same key made.
func (s *Store) newcomer(ctx context.Context, op, name string) (release func(), old *fusion.Machine, err error) {
	if err := fusion.CheckName(name); err != nil {
		return nil, nil, invalid(op, fusionClip(name), "", fusion.Hint(err))
	}
	exists := &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name, or remove that machine first"}
	if name == fusion.Self {
		return nil, nil, exists
	}
	if why := s.whyAway(); why != nil {
		return nil, nil, away(op, name, why)
	}
	release, ok := s.claims.Take("machine", name)
	if !ok {
		return nil, nil, exists
	}
	if r, ok := s.byKey(fusion.Key(ctx)); ok {
		release()
		m, err := s.again(r, name)
		return nil, &m, err
	}
	switch _, err := s.find(ctx, op, name); {
	case err == nil:
		release()
		return nil, nil, exists
	case !errors.Is(err, fusion.ErrNotFound):
		release()
		return nil, nil, err
	}
	return release, nil, nil
}

// origin claims the machine that is cloned. Of a template, which does not change,
// several clones may be made at a time.
func (s *Store) origin(ctx context.Context, machine string) (record, func(), error) {
	release, ok := s.claims.Share("machine", machine)
	if !ok {
		return record{}, nil, inWork(opClone, machine)
	}
	uuid, err := s.find(ctx, opClone, machine)
	var r record
	if err == nil {
		r, err = s.fresh(ctx, opClone, machine, uuid)
	}
	switch {
	case err != nil:
		release()
		return record{}, nil, err
	case r.Template && !r.active:
		return r, release, nil
	}
	release()
	return s.still(ctx, opClone, machine)
}

// clone makes the disks and the definition, and undoes what it did when it fails.
func (s *Store) clone(ctx context.Context, origin record, spec fusion.CloneSpec, linked bool) (m fusion.Machine, err error) {
	if err := clonable(opClone, origin); err != nil {
		return m, err
	}
	p := plan{Plan: domxml.Plan{Spec: fusion.MachineSpec{Name: spec.Name, Start: spec.Start}, UUID: newUUID(), Key: fusion.Key(ctx)}}
	bases := map[string]string{}
	if linked {
		if bases, err = s.freeze(ctx, origin); err != nil {
			return m, err
		}
	}
	text, err := call(ctx, s, func(d driver) (string, error) { return d.persistent(origin.uuid) }, nil)
	if err != nil {
		return m, err
	}
	text, files, err := s.cloneDefinition(&p, origin, text, bases)
	if err != nil {
		return m, err
	}
	_, end, err := s.intend(intent{Op: opClone, Name: spec.Name, UUID: p.UUID, Files: p.Files(), Start: spec.Start})
	if err != nil {
		return m, err
	}
	defer func() { end(!p.half) }()
	err = s.copyDisks(ctx, origin, files, bases)
	if err == nil {
		err = s.copyFirmware(origin, p)
	}
	if err != nil {
		s.removeFiles(p.UUID, p.Files())
		return m, err
	}
	return s.defineAs(ctx, &p, text)
}

// copyFirmware copies the UEFI variables and the state of the TPM.
func (s *Store) copyFirmware(origin record, p plan) error {
	if p.Vars != "" {
		if err := s.copyVars(opClone, origin.shown, origin.Vars, p.Vars); err != nil {
			return err
		}
	}
	if !origin.TPM {
		return nil
	}
	state, err := s.readTPM(opClone, origin.shown, origin.uuid)
	if err != nil {
		return err
	}
	return s.writeTPM(opClone, origin.shown, p.UUID, state)
}

// clonable refuses disks that cannot be read here.
func clonable(op string, origin record) error {
	for _, d := range origin.Disks {
		info, err := os.Stat(d.Path)
		switch {
		case d.Path == "" || err == nil && !info.Mode().IsRegular():
			return keepsNone(op, origin.shown, "its disk "+d.Target+" is no file", "copy that disk inside the guest, or make an image of it")
		case err != nil:
			return fail(op, origin.shown, err)
		case d.Format != imagefile.Qcow2 && d.Format != imagefile.Raw:
			return keepsNone(op, origin.shown, "its disk "+d.Target+" is "+d.Format, "convert the disk first: qemu-img convert -O qcow2 OLD NEW")
		}
	}
	return nil
}

// cloneDefinition names the clone's disks, by the target each has, and writes its
// definition.
func (s *Store) cloneDefinition(p *plan, origin record, text string, bases map[string]string) (string, map[string]string, error) {
	root, ours, err := domxml.ReadOurs(text)
	if err != nil {
		return "", nil, err
	}
	l := domxml.Likeness{Name: p.Spec.Name, UUID: p.UUID, GenID: newUUID(), Pool: s.config.pool(), Disks: map[string]string{}, Made: imagepool.IsMade, Ours: domxml.Ours{Key: p.Key}}
	for i, d := range origin.Disks {
		file := nthDisk(p.Spec.Name, p.UUID, i)
		p.Disks = append(p.Disks, file)
		l.Disks[d.Target] = file
		if base := bases[d.Target]; base != "" {
			l.Ours.Bases = append(l.Ours.Bases, s.under(base)...)
		}
	}
	l.Ours.Disks = p.Disks
	if domxml.IsUEFI(origin.Firmware) {
		p.Vars = varsName(p.Spec.Name, p.UUID, origin.Firmware)
		l.Vars = filepath.Join(s.config.pool(), p.Vars)
	}
	if ours.Template != nil {
		l.Thawed = ours.Template.Frozen
	}
	if s.privateUsed() {
		l.Agent = s.config.private().AgentSocket(p.UUID)
	}
	if err := l.Become(root); err != nil {
		return "", nil, err
	}
	return root.String(), l.Disks, nil
}

// copyDisks makes the files of a clone's disks, linked where there is a base.
func (s *Store) copyDisks(ctx context.Context, origin record, files, bases map[string]string) error {
	job := imageJob{op: opClone, name: origin.shown, step: "copies the disks"}
	for _, d := range origin.Disks {
		if bases[d.Target] == "" {
			job.total += s.weight(d)
		}
	}
	if err := s.pool.Room(opClone, origin.shown, job.total); err != nil {
		return err
	}
	for _, d := range origin.Disks {
		var err error
		if base := bases[d.Target]; base != "" {
			err = s.overlay(ctx, job, files[d.Target], base)
		} else {
			job.bytes = s.weight(d)
			err = s.flatten(ctx, job, d.Path, d.Format, files[d.Target])
			job.done += job.bytes
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// weight is about how many bytes a copy of a disk takes, with what it stands on.
func (s *Store) weight(d domxml.Disk) (bytes int64) {
	most := int64(1) << 62
	if size, ok := imagefile.VirtualSize(d.Path); ok && d.Format == imagefile.Qcow2 {
		most = size + size>>10 + 1<<20 // and the format's own tables
	}
	for _, file := range append([]string{d.Path}, below(d)...) {
		if info, err := os.Stat(file); err == nil {
			bytes += computer.Allocated(info)
		}
	}
	return min(bytes, most)
}
