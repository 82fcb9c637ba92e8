package vmctl

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
)

// A linked disk is a qcow2 that has only what was written since it was made, and
// names another file of the pool, its base, for the rest. A base is never written:
// it belongs to a template, whose disks are read-only, or to a machine that goes on
// in an overlay of its own (clone_linked.go).

// maxStack bounds how many files one disk stands on.
const maxStack = 16

// below is chain of a disk. What a guest writes to a raw disk is no header of it,
// whatever it looks like.
func below(d domxml.Disk) []string {
	if d.Format != imagefile.Qcow2 || d.Path == "" {
		return nil
	}
	return imagefile.Chain(d.Path)
}

// standsOn says whether a disk of d needs one of the files, by what its definition
// notes or by the headers of its disks.
func (d domain) standsOn(paths []string) bool {
	for _, disk := range d.Disks {
		if disk.Path == "" {
			continue
		}
		for _, base := range d.Bases {
			if slices.Contains(paths, filepath.Join(filepath.Dir(disk.Path), base)) {
				return true
			}
		}
		if slices.ContainsFunc(below(disk), func(base string) bool { return slices.Contains(paths, base) }) {
			return true
		}
	}
	return false
}

// clonesOf gives the names of other machines that need one of the files.
func (s *Store) clonesOf(uuid string, paths []string) (names []string) {
	if len(paths) == 0 {
		return nil
	}
	s.mu.Lock()
	var others []record
	for _, r := range s.records {
		if r.uuid != uuid {
			others = append(others, *r)
		}
	}
	s.mu.Unlock()
	for _, r := range others {
		if r.standsOn(paths) {
			names = append(names, r.shown)
		}
	}
	slices.Sort(names)
	return names
}

// files gives the paths of a machine's disks: those it has now, and those that were
// made for it.
func (s *Store) files(d domain) (paths []string) {
	for _, disk := range d.Disks {
		if disk.Path != "" {
			paths = append(paths, disk.Path)
		}
	}
	for _, file := range d.madeDisks() {
		paths = append(paths, filepath.Join(s.config.pool(), file))
	}
	return paths
}

// unbased refuses what would take the disks away from clones that stand on them.
func (s *Store) unbased(op string, r record) error {
	clones := s.clonesOf(r.uuid, s.files(r.domain))
	if len(clones) == 0 {
		return nil
	}
	return &fusion.Error{Op: op, Path: r.shown, Cause: fusion.ErrBusy, Detail: "linked clones stand on its disks: " + fewNames(clones),
		Hint: fmt.Sprintf("remove them first (%s), or make full clones of them and then remove them", fewNames(clones))}
}

// fewNames lists some of many names.
func fewNames(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + fmt.Sprintf(" + %d", len(names)-few)
	}
	return strings.Join(names, ", ")
}

// keeps refuses snapshots where a disk must stay as it is.
func (s *Store) keeps(op string, r record) error {
	if r.Template {
		return invalid(op, r.shown, "it is a template, and its disks stay as they are", "make a machine of it with hither machine clone, or take the mark away with hither machine template --off")
	}
	var now []string
	for _, disk := range r.Disks {
		now = append(now, disk.Path)
	}
	if clones := s.clonesOf(r.uuid, now); len(clones) > 0 {
		return &fusion.Error{Op: op, Path: r.shown, Cause: fusion.ErrBusy, Detail: "linked clones stand on its disks: " + fewNames(clones),
			Hint: "remove the clones first"}
	}
	return nil
}
