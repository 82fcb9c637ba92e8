package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

const dropPrefix = ".hither-part-"

// Downloads is a directory of the owner's that dropped files appear in. Nothing
// there is written over: a second file of one name gets a number.
type Downloads struct {
	// Dir gives the directory, which is made if it is not there.
	Dir func() (string, error)

	mu sync.Mutex // one Begin at a time
}

var _ Place = (*Downloads)(nil)

// Begin is Place.Begin.
func (d *Downloads) Begin(files int, bytes uint64) (in *Intake, err error) {
	dir, err := d.Dir()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err = locked(dir, func() error {
		names, err := listed(dir)
		if err == nil {
			err = sweepParts(dir, dropPrefix, names)
		}
		if err == nil {
			err = fits(dir, files, bytes)
		}
		if err == nil {
			in, err = newIntake(dir, dropPrefix, 0o666, bytes+slack(files))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	in.keep = func(in *Intake) ([]string, error) { return appear(in, dir) }
	return in, nil
}

// listed gives the names in a directory.
func listed(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// appear moves all that came into a directory. If that fails, what was moved
// goes again.
func appear(in *Intake, dir string) (paths []string, err error) {
	for _, top := range in.tops {
		path, err := moveTo(filepath.Join(in.dir, top), dir, top)
		if err != nil {
			for _, p := range paths {
				err = errors.Join(err, os.RemoveAll(p))
			}
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// moveTo gives a file or directory a name that is not taken.
func moveTo(from, dir, name string) (path string, err error) {
	const tries = 10_000
	for n := 1; n < tries; n++ {
		path = filepath.Join(dir, name)
		if n > 1 {
			path = filepath.Join(dir, numbered(name, strconv.Itoa(n)))
		}
		if err = place(from, path); !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
	return "", err
}

// place renames without writing over anything: a file gets a second name, which
// fails where there is one, and a directory never takes the place of another.
func place(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if _, err := os.Lstat(to); err == nil {
			return fs.ErrExist
		}
		return os.Rename(from, to)
	}
	err = os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	return claim(from, to) // a file system without second names
}

// claim takes the name with an empty file and puts the file in its place.
func claim(from, to string) error {
	empty, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err := errors.Join(empty.Close(), os.Rename(from, to)); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}
