package vmctl

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// A machine whose disks stand on others' (decision 19) moves without those: its disks are
// whole at the destination. While it runs QEMU copies all that a disk shows
// (VIR_MIGRATE_NON_SHARED_DISK); when it is off each disk is made whole beside it first.

// offered describes a disk with all that it stands on, which must be in the pool.
func (s *Store) offered(d domxml.Disk) (MigrationDisk, error) {
	out := MigrationDisk{File: filepath.Base(d.Path), Stored: measure(d).UsedBytes}
	bases := below(d)
	if len(bases) == 0 {
		h, err := imagefile.ReadHeader(d.Path)
		out.Bytes = h.Size
		return out, err
	}
	for _, base := range bases {
		if filepath.Dir(base) != s.config.pool() {
			return out, &fusion.Error{Cause: fusion.ErrInvalid, Detail: "its disk " + d.Target + " stands on " + base + ", which is not in Hither's pool",
				Hint: "make a full clone of it, and move that"}
		}
		out.Stored += measure(domxml.Disk{Path: base, Format: imagefile.Qcow2}).UsedBytes
	}
	size, _, err := imagefile.ReadBacking(d.Path)
	out.Bytes, out.Stored = size, min(out.Stored, mostDisk)
	return out, err
}

// standsAlone takes what disks stood on out of the definitions that rewrite gives.
func standsAlone(disks []MigrationDisk, rewrite func(string) string) func(string) string {
	return func(text string) string {
		text = rewrite(text)
		root, ours, err := domxml.ReadOurs(text)
		if err != nil || !domxml.IsLinked(root, ours) {
			return text // libvirt refuses what is no definition
		}
		for _, disk := range root.All("devices", "disk") {
			disk.Drop("backingStore")
		}
		ours.Bases = nil
		ours.Disks = slices.DeleteFunc(ours.Disks, func(file string) bool {
			return !slices.ContainsFunc(disks, func(d MigrationDisk) bool { return d.File == file })
		})
		if err := domxml.SetOurs(root, *ours); err != nil {
			return text
		}
		return root.String()
	}
}

// whole gives the disks of a machine that is off, those that stand on others as copies
// that remove takes away again.
func (s *Store) whole(ctx context.Context, o MigrationOffer) (files []outgoing, remove func(), err error) {
	var copies []string
	remove = func() {
		for _, path := range copies {
			_ = os.Remove(path) // the next node sweeps it
		}
	}
	for _, d := range o.Disks {
		path := filepath.Join(s.config.pool(), d.File)
		if len(imagefile.Chain(path)) > 0 {
			copied := imagepool.Partial + "move-" + d.File
			copies = append(copies, filepath.Join(s.config.pool(), copied))
			job := imageJob{op: opMigrate, name: o.Name, step: "makes its disks whole", bytes: d.Stored, total: d.Stored}
			fusion.Report(ctx, fusion.Progress{Step: job.step, Total: d.Stored})
			if err := s.flatten(ctx, job, path, imagefile.Qcow2, copied); err != nil {
				return nil, remove, err
			}
			path = copies[len(copies)-1]
		}
		files = append(files, outgoing{d.File, path})
	}
	return files, remove, nil
}
