package imagepool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"hither/fusion"
	"hither/vmctl/computer"
)

// Vacant refuses (fusion.ErrExists) what is at path already.
func Vacant(op, name, path string) error {
	switch info, err := os.Lstat(path); {
	case err == nil:
		e := taken(op, name)
		if info.Mode().IsRegular() { // so that its person sees whether it is the same image
			e.Detail = fmt.Sprintf("it has %d bytes", info.Size())
		}
		return e
	case !errors.Is(err, os.ErrNotExist):
		return &fusion.Error{Op: op, Path: name, Cause: err}
	}
	return nil
}

// taken says that there is a file of that name.
func taken(op, name string) *fusion.Error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
}

// Receive copies exactly size bytes, or what fits when size is unknown, to disk.
func (p *Pool) Receive(ctx context.Context, op, name string, f *os.File, size int64, r io.Reader) error {
	limit := size
	if size < 0 {
		free, err := computer.FreeBytes(p.Dir)
		if err != nil {
			return err
		}
		limit = max(free-Reserve, 0)
	}
	got, err := io.Copy(f, io.LimitReader(&ContextReader{ctx, r}, limit+1))
	switch {
	case err != nil:
		return err
	case got > limit && size < 0:
		return NoRoom(op, name, "it does not fit into "+p.Dir)
	case size >= 0 && got != size:
		return invalid(op, name, fmt.Sprintf("%d bytes were announced, %d or more came", size, got), "upload it again")
	}
	return f.Sync()
}

// Named gives a file that is whole its name, once it is on the disk.
func (p *Pool) Named(op, name, temp, file string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return p.explain(op, name, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return p.explain(op, name, err)
	}
	return p.explain(op, name, os.Rename(temp, filepath.Join(p.Dir, file)))
}

// WriteWhole puts a small file into dir such that it is there whole or not at all,
// also after a power cut (rename(2), fsync(2) of the directory).
func WriteWhole(dir, name string, text []byte) error {
	f, err := os.CreateTemp(dir, Partial+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// explain explains a failure to write into the pool.
func (p *Pool) explain(op, name string, err error) error {
	if IsFull(err) {
		return NoRoom(op, name, p.Dir+" is full")
	}
	return Fail(op, name, err)
}

// IsFull says whether a file system, or somebody's share of it, is full.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// invalid refuses what a person can put right.
func invalid(op, path, detail, hint string) error {
	return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Detail: detail, Hint: hint}
}

// HintGone is for a file of a machine that somebody took away, or whose disk is not mounted.
const HintGone = "bring that file back, or mount the disk that it is on"

// Fail wraps err with what the caller did, once. Of a file that is not there it says which.
func Fail(op, path string, err error) error {
	if f := (*fusion.Error)(nil); err == nil || errors.As(err, &f) && f.Op == op {
		return err
	}
	if gone := (*fs.PathError)(nil); errors.As(err, &gone) && errors.Is(err, fs.ErrNotExist) {
		return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrNotFound, Detail: gone.Path + " is not there", Hint: HintGone}
	}
	return &fusion.Error{Op: op, Path: path, Cause: err}
}

// ContextReader ends between two reads when its context does.
type ContextReader struct {
	Ctx    context.Context
	Reader io.Reader
}

func (c *ContextReader) Read(p []byte) (int, error) {
	if err := c.Ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// CountedReader tells of each read.
type CountedReader struct {
	Reader io.Reader
	Told   func(n int64)
}

func (c *CountedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.Told(int64(n))
	return n, err
}
