package folder

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
)

// places are the directories that decide where a folder may lie.
type places struct {
	own  string // the store's own files
	root string // shared folders land in it
	home string // the user's home, or ""
}

// systemDirs hold no files: the kernel makes what is read there.
var systemDirs = []string{"/proc", "/sys", "/dev"}

// check returns the cleaned path, or why no folder may lie there: it must be
// absolute, not of the kernel, not the file system's root nor the user's whole home, and neither
// inside nor around another folder or the store's own files. Links are
// followed before paths are compared.
func (p places) check(op, path string, folders []kept) (string, error) {
	refuse := func(cause error, detail, hint string) (string, error) {
		return "", &fusion.Error{Op: op, Path: path, Cause: cause, Detail: detail, Hint: hint}
	}
	if !filepath.IsAbs(path) {
		return refuse(fusion.ErrInvalid, "not an absolute path", "give the whole path of a directory, from / on")
	}
	path = filepath.Clean(path)
	real := resolve(path)
	switch {
	case slices.ContainsFunc(systemDirs, func(dir string) bool { return within(real, dir) }):
		return refuse(fusion.ErrInvalid, "the system's own files, not yours", "choose a directory of your own")
	case filepath.Dir(real) == real:
		return refuse(fusion.ErrInvalid, "a whole file system", "choose a directory inside it")
	case p.home != "" && within(resolve(p.home), real):
		return refuse(fusion.ErrInvalid, "the whole home directory", "choose a directory inside it")
	case within(resolve(p.root), real):
		return refuse(fusion.ErrInvalid, "shared folders come to lie in it", "choose another directory")
	case overlap(resolve(p.own), real):
		return refuse(fusion.ErrInvalid, "the node's own files are there", "choose another directory")
	}
	for _, f := range folders {
		other := resolve(f.Path)
		if other == real {
			return refuse(fusion.ErrExists, "kept already as "+f.Name, "share "+f.Name+", or remove it first")
		}
		if overlap(other, real) {
			return refuse(fusion.ErrInvalid, "inside or around folder "+f.Name+" at "+f.Path,
				"choose a directory apart from it, or share "+f.Name+" instead")
		}
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return refuse(fusion.ErrInvalid, "not a directory", "a folder is a directory; choose the one the file is in")
	}
	return path, nil
}

// overlap says whether one of two paths is the other or lies in it.
func overlap(a, b string) bool { return within(a, b) || within(b, a) }

// within says whether path is dir or lies in it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// resolve follows the links of the part of path that exists.
func resolve(path string) string {
	rest := ""
	for dir := path; ; dir = filepath.Dir(dir) {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(real, rest)
		}
		if !errors.Is(err, os.ErrNotExist) || filepath.Dir(dir) == dir {
			return filepath.Clean(path)
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}

func (s *Store) places() places {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // no home, nothing to protect
	}
	return places{own: s.cfg.Dir, root: s.cfg.Root, home: home}
}
