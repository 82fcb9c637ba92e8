package vmctl

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// A machine whose disks stand on others' (decision 19) moves without those: its disks are
// whole at the destination. While it runs QEMU copies all that a disk shows
// (VIR_MIGRATE_NON_SHARED_DISK); when it is off each disk is made whole beside it first.

// offered describes a disk with all that it stands on, which must be in the pool.
func (s *Store) offered(d domainDisk) (MigrationDisk, error) {
	out := MigrationDisk{File: filepath.Base(d.path), Stored: measure(d).UsedBytes}
	below := d.below()
	if len(below) == 0 {
		h, err := readHeader(d.path)
		out.Bytes = h.size
		return out, err
	}
	for _, base := range below {
		if filepath.Dir(base) != s.config.pool() {
			return out, &fusion.Error{Cause: fusion.ErrInvalid, Detail: "its disk " + d.target + " stands on " + base + ", which is not in Hither's pool",
				Hint: "make a full clone of it, and move that"}
		}
		out.Stored += measure(domainDisk{path: base, format: formatQcow2}).UsedBytes
	}
	size, _, err := readBacking(d.path)
	out.Bytes, out.Stored = size, min(out.Stored, mostDisk)
	return out, err
}

// standsAlone takes what disks stood on out of the definitions that rewrite gives.
func standsAlone(disks []MigrationDisk, rewrite func(string) string) func(string) string {
	return func(text string) string {
		text = rewrite(text)
		root, ours, err := readDefinition(text)
		if err != nil || !linked(root, ours) {
			return text // libvirt refuses what is no definition
		}
		for _, disk := range root.All("devices", "disk") {
			disk.Drop("backingStore")
		}
		ours.Bases = nil
		ours.Disks = slices.DeleteFunc(ours.Disks, func(file string) bool {
			return !slices.ContainsFunc(disks, func(d MigrationDisk) bool { return d.File == file })
		})
		if err := setOurs(root, *ours); err != nil {
			return text
		}
		return root.String()
	}
}

// linked says whether disks of a definition stand on something.
func linked(root *domxml.Element, ours *machineXML) bool {
	if len(ours.Bases) > 0 {
		return true
	}
	return slices.ContainsFunc(root.All("devices", "disk", "backingStore"), func(b *domxml.Element) bool { return len(b.Children) > 0 })
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
		if len(chain(path)) > 0 {
			copied := partial + "move-" + d.File
			copies = append(copies, filepath.Join(s.config.pool(), copied))
			job := imageJob{op: opMigrate, name: o.Name, step: "makes its disks whole", bytes: d.Stored, total: d.Stored}
			fusion.Report(ctx, fusion.Progress{Step: job.step, Total: d.Stored})
			if err := s.flatten(ctx, job, path, formatQcow2, copied); err != nil {
				return nil, remove, err
			}
			path = copies[len(copies)-1]
		}
		files = append(files, outgoing{d.File, path})
	}
	return files, remove, nil
}
