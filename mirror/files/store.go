package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	storeBytes = 8 << 30
	storeCount = 64
	storeAge   = 24 * time.Hour
	// storeRest is how long files stay in any case: the program that pasted
	// them may still be reading.
	storeRest  = 10 * time.Minute
	partPrefix = ".part-"
)

// Store keeps what was pasted: each transfer in a directory of its own, for a
// day, and of all at most 64 and 8 GiB, the newest of them. Several processes may
// use one. A Store does nothing by itself: Begin and Sweep remove what is old.
type Store struct {
	dir   string
	bytes uint64
	count int
	mu    sync.Mutex // one Begin or Sweep at a time
}

var _ Place = (*Store)(nil)

// NewStore makes the store of a directory, which appears with the first file.
func NewStore(dir string) *Store { return &Store{dir: dir, bytes: storeBytes, count: storeCount} }

// kept is one transfer in the store.
type kept struct {
	path  string
	since time.Time
	bytes uint64
}

// Begin is Place.Begin.
func (s *Store) Begin(files int, bytes uint64) (in *Intake, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = locked(s.dir, func() error {
		all, err := s.sweep()
		if err == nil {
			err = s.makeRoom(all, bytes)
		}
		if err == nil {
			err = fits(s.dir, files, bytes)
		}
		if err == nil {
			in, err = newIntake(s.dir, partPrefix, 0o600, bytes+slack(files))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	in.keep = s.keep
	return in, nil
}

// slack is by how much more may come than was said: files may have grown.
func slack(files int) uint64 { return 64<<20 + uint64(files)*4096 }

// keep gives a transfer its place among the others.
func (s *Store) keep(in *Intake) (paths []string, err error) {
	dir := filepath.Join(s.dir, strings.TrimPrefix(filepath.Base(in.dir), partPrefix))
	now := time.Now()
	if err := errors.Join(os.Chtimes(in.dir, now, now), os.Rename(in.dir, dir)); err != nil {
		return nil, err
	}
	for _, top := range in.tops {
		paths = append(paths, filepath.Join(dir, top))
	}
	return paths, nil
}

// Sweep removes what is old, and what processes left that ended in the middle.
func (s *Store) Sweep() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := locked(s.dir, func() error {
		_, err := s.sweep()
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweep gives what is left, oldest first.
func (s *Store) sweep() (all []kept, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if strings.HasPrefix(e.Name(), partPrefix) || !e.IsDir() {
			continue
		}
		k, err := look(filepath.Join(s.dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if time.Since(k.since) < storeAge {
			all = append(all, k)
		} else if err := os.RemoveAll(k.path); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return a.since.Compare(b.since) })
	return all, sweepParts(s.dir, partPrefix, names)
}

func look(path string) (kept, error) {
	k := kept{path: path}
	err := filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a program moved it out
		}
		if err != nil {
			return err
		}
		if k.since.IsZero() {
			k.since = info.ModTime()
		}
		if info.Mode().IsRegular() {
			k.bytes += uint64(info.Size())
		}
		return nil
	})
	return k, err
}

// makeRoom removes the oldest until the rest and what comes are within bounds.
func (s *Store) makeRoom(all []kept, bytes uint64) error {
	if bytes > s.bytes {
		return noRoom(fmt.Sprintf("at most %d MiB at once", s.bytes>>20))
	}
	var total uint64
	for _, k := range all {
		total += k.bytes
	}
	for len(all) > 0 && (total+bytes > s.bytes || len(all) >= s.count) {
		oldest := all[0]
		if time.Since(oldest.since) < storeRest {
			return noRoom(fmt.Sprintf("%d MiB were pasted in the last minutes", total>>20))
		}
		if err := os.RemoveAll(oldest.path); err != nil {
			return err
		}
		total -= oldest.bytes
		all = all[1:]
	}
	return nil
}
