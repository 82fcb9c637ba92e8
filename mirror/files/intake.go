package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// Place is where files go.
type Place interface {
	// Begin makes room for so many files and bytes.
	Begin(files int, bytes uint64) (*Intake, error)
}

// Intake takes the files of one transfer into a directory that nobody looks at,
// beside the place where they appear when they are whole. It is used by one
// goroutine, which ends it with Keep or Drop.
type Intake struct {
	dir  string
	root *os.Root
	hold *os.File // keeps sweep off while this process lives
	keep func(*Intake) ([]string, error)
	mode fs.FileMode // of files; directories may be entered too

	dirs    map[string]string // by their paths on the wire: where they are
	tops    []string
	entries int
	most    uint64 // bytes that may come yet
	file    *os.File
	broken  error  // the first that went wrong: nothing is kept
	rest    uint64 // bytes of file to come
}

// newIntake makes the directory of a transfer in dir; the caller has locked dir.
func newIntake(dir, prefix string, mode fs.FileMode, most uint64) (*Intake, error) {
	in := &Intake{dir: filepath.Join(dir, prefix+rand.Text()), mode: mode, most: most, dirs: map[string]string{"": "."}}
	if err := os.Mkdir(in.dir, 0o700); err != nil {
		return nil, err
	}
	err := in.open()
	if err != nil {
		return nil, errors.Join(err, in.Drop())
	}
	return in, nil
}

func (in *Intake) open() (err error) {
	if in.hold, err = os.Open(in.dir); err != nil {
		return err
	}
	if _, err = hold(in.hold); err != nil {
		return err
	}
	in.root, err = os.OpenRoot(in.dir)
	return err
}

func badEntry(path, detail string) error {
	return &fusion.Error{Op: "files", Path: path, Cause: fusion.ErrInvalid, Detail: detail, Hint: "update Hither on the other computer"}
}

// Entry begins a file or makes a directory. The one before must be whole.
func (in *Intake) Entry(m wire.FileEntry) error { return in.note(in.entry(m)) }

func (in *Intake) note(err error) error {
	if in.broken == nil {
		in.broken = err
	}
	return err
}

func (in *Intake) entry(m wire.FileEntry) error {
	if in.rest > 0 {
		return badEntry(m.Path, "the file before it is not whole")
	}
	if err := in.shut(); err != nil {
		return err
	}
	if in.entries++; in.entries > maxEntries {
		return tooMany()
	}
	if depth(m.Path) > maxDepth {
		return badEntry(m.Path, "it lies too deep")
	}
	cut := strings.LastIndexByte(m.Path, '/')
	parent, known := in.dirs[m.Path[:max(cut, 0)]]
	if !known || cut == 0 || m.Path == "" {
		return badEntry(m.Path, "its directory was not named before")
	}
	at, err := in.make(parent, Name(m.Path[cut+1:]), m)
	if err == nil && parent == "." {
		in.tops = append(in.tops, at)
	}
	return err
}

// make makes an entry under a name that is not taken there.
func (in *Intake) make(parent, name string, m wire.FileEntry) (at string, err error) {
	const tries = 100
	for n := 1; ; n++ {
		switch {
		case n == tries:
			at = filepath.Join(parent, numbered(name, rand.Text()[:8]))
		case n > 1:
			at = filepath.Join(parent, numbered(name, strconv.Itoa(n)))
		default:
			at = filepath.Join(parent, name)
		}
		if m.Dir {
			err = in.root.Mkdir(at, in.mode|in.mode>>2&0o111)
		} else {
			err = in.create(at, m)
		}
		if n == tries || !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err == nil && m.Dir {
		if _, twice := in.dirs[m.Path]; twice {
			return "", badEntry(m.Path, "it was named twice")
		}
		in.dirs[m.Path] = at
	}
	return at, err
}

func (in *Intake) create(at string, m wire.FileEntry) error {
	if m.Size > in.most {
		return noRoom(fmt.Sprintf("more than %d MiB would come", in.most>>20))
	}
	file, err := in.root.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, in.mode)
	if err != nil {
		return err
	}
	in.file, in.rest = file, m.Size
	in.most -= m.Size
	return nil
}

// Piece takes the next bytes of the file that began last.
func (in *Intake) Piece(b []byte) error { return in.note(in.piece(b)) }

func (in *Intake) piece(b []byte) error {
	if uint64(len(b)) > in.rest {
		return badEntry("", "a file has more bytes than was said")
	}
	if len(b) == 0 {
		return nil
	}
	in.rest -= uint64(len(b))
	_, err := in.file.Write(b)
	return err
}

func (in *Intake) shut() error {
	file := in.file
	if in.file = nil; file == nil {
		return nil
	}
	return file.Close()
}

// Keep makes the files appear and gives the paths of those that have no
// directory above them. When it fails nothing is left.
func (in *Intake) Keep() (paths []string, err error) {
	err = errors.Join(in.broken, in.shut())
	switch {
	case err != nil:
	case in.rest > 0:
		err = badEntry("", "the last file is not whole")
	case len(in.tops) == 0:
		err = badEntry("", "no file came")
	default:
		paths, err = in.keep(in)
	}
	return paths, errors.Join(err, in.Drop())
}

// Drop removes what came and was not kept. It may be called again.
func (in *Intake) Drop() error {
	err := in.shut()
	if in.root != nil {
		err = errors.Join(err, in.root.Close())
	}
	err = errors.Join(err, os.RemoveAll(in.dir))
	if in.hold != nil {
		err = errors.Join(err, in.hold.Close())
	}
	in.root, in.hold = nil, nil
	return err
}

// locked does something while no other process begins or sweeps in a directory.
func locked(dir string, do func() error) error {
	lock, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := holdWhen(lock); err != nil {
		return errors.Join(err, lock.Close())
	}
	return errors.Join(do(), lock.Close())
}

// sweepParts removes what a process left that ended in the middle of a transfer.
func sweepParts(dir, prefix string, names []string) error {
	var errs []error
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			errs = append(errs, sweepPart(filepath.Join(dir, name)))
		}
	}
	return errors.Join(errs...)
}

func sweepPart(path string) error {
	part, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its process removed it just now
	}
	if err != nil {
		return err
	}
	defer part.Close()
	info, err := part.Stat()
	if err != nil || !info.IsDir() {
		return err
	}
	taken, err := hold(part)
	if err != nil || taken && time.Since(info.ModTime()) < storeAge {
		return err
	}
	return os.RemoveAll(path)
}

// spare is how much of a disk files leave free.
const spare = 256 << 20

var errNoRoom = errors.New("no room")

func noRoom(detail string) error {
	return &fusion.Error{Op: "files", Cause: errNoRoom, Detail: detail, Hint: "free some space there, or share the folder instead"}
}

// fits refuses what the disk of a directory has no room for.
func fits(dir string, files int, bytes uint64) error {
	const block = 4096
	left, err := free(dir)
	if err != nil {
		return err
	}
	if need := bytes + uint64(files)*block + spare; need < bytes || need > left {
		return noRoom(fmt.Sprintf("%d MiB of the disk are free, and %d MiB would come", left>>20, bytes>>20))
	}
	return nil
}
