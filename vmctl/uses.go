package vmctl

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/imagefile"
)

// uses tells who needs a volume. Paths are real ones, without symbolic links.
type uses struct {
	byMachine map[string][]string // path to the machines whose disk or CD it is, or is built on it
	byVolume  map[string][]string // path to the names of what is built on it
}

// uses looks at all machines and all volumes that can be seen.
func (s *Store) uses(ctx context.Context) (uses, error) {
	u := uses{map[string][]string{}, map[string][]string{}}
	for machine, paths := range s.diskPaths() {
		for _, path := range paths {
			for _, p := range append([]string{path}, imagefile.Chain(path)...) {
				u.byMachine[realPath(p)] = append(u.byMachine[realPath(p)], machine)
			}
		}
	}
	all, err := s.allVolumes(ctx)
	for _, v := range all {
		if v.base != "" {
			u.byVolume[realPath(v.base)] = append(u.byVolume[realPath(v.base)], outsideVolume(v.name))
		}
	}
	return u, err
}

// diskPaths gives the files of each machine: disks and what is in its drives.
func (s *Store) diskPaths() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]string{}
	for _, r := range s.records {
		for _, d := range r.Disks {
			if d.Path != "" {
				out[r.shown] = append(out[r.shown], d.Path)
			}
		}
		out[r.shown] = append(out[r.shown], r.Inserted...)
		if r.Vars != "" {
			out[r.shown] = append(out[r.shown], r.Vars)
		}
	}
	return out
}

// allVolumes gives the volumes of all pools that can be used.
func (s *Store) allVolumes(ctx context.Context) ([]volume, error) {
	all, err := ownVolumes(s.config.pool())
	if err != nil {
		all = nil // a pool that is gone has nothing that is built on another
	}
	pools, err := s.allPools(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range pools {
		if !p.active || p.gone() {
			continue
		}
		list, err := call(ctx, s, func(d driver) ([]volume, error) { return d.volumes(p.uuid) }, nil)
		if errors.Is(err, fusion.ErrNotFound) || errors.Is(err, fusion.ErrInvalid) {
			continue // it went, or stopped, meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func (u uses) machines(path string) []string { return sortedOnce(u.byMachine[realPath(path)]) }
func (u uses) overlays(path string) []string { return sortedOnce(u.byVolume[realPath(path)]) }

func sortedOnce(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	if list == nil {
		list = []string{}
	}
	return list
}

// realPath follows symbolic links where that can be done.
func realPath(path string) string {
	if clean, err := filepath.EvalSymlinks(path); err == nil {
		return clean
	}
	return filepath.Clean(path)
}
