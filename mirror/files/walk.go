package files

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"hither/fusion"
	"hither/mirror/wire"
)

// Bounds of one transfer, of both sides.
const (
	maxEntries = 20_000
	maxTop     = 2_000 // that were named by the person
	maxDepth   = 32
)

// parcel is what a side sends when it is taken.
type parcel struct {
	ticket  wire.FileTicket
	entries []parcelEntry
	left    int  // links and special files that are not sent
	drop    bool // dropped by the person, else from the clipboard
}

// parcelEntry is a file or directory; a directory comes before what is in it.
type parcelEntry struct {
	root string // absolute: what the person named
	rel  string // below it, "." for itself
	name string // on the wire
	dir  bool
}

// walker looks at what is to be sent. stop ends it early.
type walker struct {
	parcel
	names map[string]bool // of what the person named
	stop  <-chan struct{}
}

var errStopped = errors.New("stopped")

// pack looks at files and directories, and all that is in them.
func pack(paths []string, stop <-chan struct{}) (*parcel, error) {
	w := &walker{names: map[string]bool{}, stop: stop}
	for _, path := range paths {
		if err := w.top(path); err != nil {
			return nil, err
		}
	}
	if len(w.entries) == 0 {
		return nil, &fusion.Error{Op: "files", Cause: fusion.ErrInvalid, Detail: "no file that could be sent",
			Hint: "symbolic links and special files are not sent; copy what they point to"}
	}
	return &w.parcel, nil
}

// top looks at what the person named. Two of one name from different places get
// different ones.
func (w *walker) top(root string) error {
	info, err := os.Lstat(root)
	if err != nil {
		return err
	}
	base := strings.ToValidUTF8(filepath.Base(root), "_")
	name := base
	for n := 2; w.names[name]; n++ {
		name = numbered(base, strconv.Itoa(n))
	}
	w.names[name] = true
	if !info.IsDir() {
		return w.add(parcelEntry{root: root, rel: ".", name: name}, info)
	}
	return fs.WalkDir(os.DirFS(root), ".", func(rel string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil {
			return err
		}
		return w.add(parcelEntry{root: root, rel: rel, name: path.Join(name, strings.ToValidUTF8(rel, "_"))}, info)
	})
}

// add notes an entry, or that it is not sent.
func (w *walker) add(e parcelEntry, info fs.FileInfo) error {
	e.dir = info.IsDir()
	select {
	case <-w.stop:
		return errStopped
	default:
	}
	switch {
	case !e.dir && !info.Mode().IsRegular():
		w.left++
		return nil
	case len(w.entries) >= maxEntries:
		return tooMany()
	case depth(e.name) > maxDepth || len(e.name) > wire.MaxFilePath:
		return &fusion.Error{Op: "files", Path: e.rel, Cause: fusion.ErrInvalid, Detail: "directories lie too deep in each other",
			Hint: "pack them into an archive, or share the folder"}
	}
	if !e.dir {
		w.ticket.Files++
		w.ticket.Bytes += uint64(info.Size())
	}
	w.entries = append(w.entries, e)
	return nil
}

func tooMany() error {
	return &fusion.Error{Op: "files", Cause: fusion.ErrInvalid, Detail: "more than 20,000 files and directories at once",
		Hint: "pack them into an archive, or share the folder"}
}

func depth(name string) int {
	n := 1
	for _, r := range name {
		if r == '/' {
			n++
		}
	}
	return n
}

// open opens a file that is sent. What has become a link or something special
// since is refused.
func (e parcelEntry) open() (*os.File, error) {
	was, err := os.Lstat(filepath.Join(e.root, filepath.FromSlash(e.rel)))
	if err != nil {
		return nil, err
	}
	if !was.Mode().IsRegular() {
		return nil, changed(e)
	}
	file, err := e.openBelow()
	if err != nil {
		return nil, err
	}
	if is, err := file.Stat(); err != nil || !os.SameFile(was, is) {
		return nil, errors.Join(changed(e), err, file.Close())
	}
	return file, nil
}

// openBelow opens the file without leaving what the person named.
func (e parcelEntry) openBelow() (*os.File, error) {
	if e.rel == "." {
		return os.OpenFile(e.root, os.O_RDONLY|nonblock, 0)
	}
	root, err := os.OpenRoot(e.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenFile(filepath.FromSlash(e.rel), os.O_RDONLY|nonblock, 0)
}

func changed(e parcelEntry) error {
	return &fusion.Error{Op: "files", Path: e.name, Cause: fusion.ErrInvalid, Detail: "it changed while it was sent",
		Hint: "copy it again once nothing writes to it"}
}
