package vmctl

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// freeze sees that the disks of a machine are never written again, and gives for each
// target the file that clones may stand on. A template's are not written anyway. Any
// other machine goes on in overlays of its own from now on: its definition changes
// before there is a clone, so that at no moment a clone stands on a disk that the
// machine may write (docs/decisions/0019).
func (s *Store) freeze(ctx context.Context, origin record) (bases map[string]string, err error) {
	if err := s.freezable(ctx, origin); err != nil {
		return nil, err
	}
	bases, layers := map[string]string{}, map[string]string{}
	for _, d := range origin.Disks {
		file := filepath.Base(d.Path)
		below, err := imagefile.Backing(d.Path)
		switch {
		case err != nil:
			return nil, err
		case below != "" && (filepath.Dir(below) != s.config.pool() || fusion.CheckName(filepath.Base(below)) != nil):
			return nil, keepsNone(opClone, origin.shown, "its disk "+d.Target+" is not one that Hither made", "make a full clone")
		case below != "" && imagefile.Untouched(d.Path): // it was frozen before, and stands still since
			bases[d.Target] = filepath.Base(below)
			continue
		}
		bases[d.Target] = file
		if !origin.Template && !d.ReadOnly {
			layers[d.Target] = file
		}
	}
	if len(layers) == 0 {
		return bases, nil
	}
	return bases, s.layer(ctx, origin, layers)
}

// freezable refuses disks that clones cannot stand on.
func (s *Store) freezable(ctx context.Context, origin record) error {
	own := origin.madeDisks()
	for _, d := range origin.Disks {
		switch {
		case filepath.Dir(d.Path) != s.config.pool() || !slices.Contains(own, filepath.Base(d.Path)) || d.Format != imagefile.Qcow2:
			return keepsNone(opClone, origin.shown, "its disk "+d.Target+" is not one that Hither made", "make a full clone")
		case len(imagefile.Chain(d.Path)) >= maxStack:
			return keepsNone(opClone, origin.shown, fmt.Sprintf("its disk %s stands on %d others already", d.Target, len(imagefile.Chain(d.Path))), "make a full clone, or a template and clone that")
		}
	}
	if origin.Template {
		return nil
	}
	list, err := s.listSnapshots(ctx, opClone, origin.shown, origin.uuid)
	if err == nil && len(list) > 0 {
		err = keepsNone(opClone, origin.shown, "it has snapshots, which are inside its disks", "make a full clone, or remove the snapshots first")
	}
	return err
}

// layer puts an overlay on each of a machine's disks, for the machine to go on in.
func (s *Store) layer(ctx context.Context, origin record, disks map[string]string) error {
	if err := s.pool.Room(opClone, origin.shown, 0); err != nil {
		return err
	}
	layers, files := map[string]string{}, []string{}
	next := len(origin.OwnDisks)
	for _, d := range origin.Disks {
		if disks[d.Target] == "" {
			continue
		}
		layers[d.Target] = s.vacantDisk(origin, &next)
		files = append(files, layers[d.Target])
	}
	_, end, err := s.intend(intent{Op: opClone, Name: origin.shown, UUID: origin.uuid, Files: files, Layer: true})
	if err != nil {
		return err
	}
	job := imageJob{op: opClone, name: origin.shown}
	for target, file := range layers {
		if err := s.overlay(ctx, job, file, disks[target]); err != nil {
			s.removeDisks(files)
			end(true)
			return err
		}
	}
	err = s.redefine(ctx, origin.uuid, func(root *domxml.Element, ours *domxml.Ours) {
		for _, disk := range root.All("devices", "disk") {
			if file := layers[disk.Need("target").Attr("dev")]; file != "" {
				domxml.PointTo(disk, filepath.Join(s.config.pool(), file))
			}
		}
		ours.Disks = append(ours.Disks, files...)
		for _, base := range disks {
			ours.Bases = append(ours.Bases, base)
		}
	})
	// When libvirt did not answer, it may have it or not: the intent tells later.
	end(err == nil)
	if err != nil {
		return err
	}
	_, err = s.refresh(ctx, origin.uuid)
	return err
}

// vacantDisk names the machine's next disk that is not there yet.
func (s *Store) vacantDisk(origin record, next *int) string {
	for {
		name := nthDisk(origin.shown, origin.uuid, *next)
		*next++
		if !slices.Contains(origin.OwnDisks, name) && imagepool.Vacant(opClone, name, filepath.Join(s.config.pool(), name)) == nil {
			return name
		}
	}
}

// under gives a base and what it stands on, as file names of the pool.
func (s *Store) under(base string) (files []string) {
	files = []string{base}
	for _, path := range imagefile.Chain(filepath.Join(s.config.pool(), base)) {
		files = append(files, filepath.Base(path))
	}
	return files
}

// unnamed gives those of files that d does not have: as a disk or as its variables.
func (d domain) unnamed(pool string, files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(file string) bool {
		path := filepath.Join(pool, file)
		return path == d.Vars || slices.ContainsFunc(d.Disks, func(disk domxml.Disk) bool { return disk.Path == path })
	})
}

// unlinked refuses to move a machine away from clones that stand on its disks.
func (s *Store) unlinked(r record) error {
	if clones := s.clonesOf(r.uuid, s.files(r.domain)); len(clones) > 0 {
		return &fusion.Error{Op: opMigrate, Path: r.shown, Cause: fusion.ErrBusy, Detail: "linked clones stand on its disks: " + fewNames(clones),
			Hint: "move a full clone of it"}
	}
	return nil
}
