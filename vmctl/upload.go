package vmctl

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"hither/fusion"
	"hither/vmctl/computer"
)

// Upload streams an image into the pool. Of unknown size (-1) it takes what
// fits. A broken upload leaves nothing.
func (s *Store) Upload(ctx context.Context, name string, size int64, r io.Reader) error {
	const op = "image.upload"
	if err := fusion.CheckName(name); err != nil {
		return invalid(op, fusionClip(name), "", fusion.Hint(err))
	}
	final := filepath.Join(s.config.pool(), name)
	if err := vacant(op, name, final); err != nil {
		return err
	}
	if err := s.room(op, name, max(size, 0)); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.config.pool(), partial+"*")
	if err != nil {
		return s.poolError(op, name, err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	sum := sha256.New()
	err = s.receive(ctx, op, name, f, size, io.TeeReader(r, sum))
	if err := errors.Join(err, f.Close()); err != nil {
		return s.poolError(op, name, err)
	}
	// The name is taken at the end only: an upload that broke may not have
	// noticed yet when its person tries again.
	if err := s.place(op, name, f.Name(), imageNote{Sum: "sha256:" + hex.EncodeToString(sum.Sum(nil))}); err != nil {
		return err
	}
	s.config.Log.Info("image uploaded", "image", name, "trace", fusion.Trace(ctx))
	return nil
}

// vacant says whether nothing is at path yet.
func vacant(op, name, path string) error {
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

func taken(op, name string) *fusion.Error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
}

// receive copies exactly size bytes, or what fits when size is unknown, to disk.
func (s *Store) receive(ctx context.Context, op, name string, f *os.File, size int64, r io.Reader) error {
	limit := size
	if size < 0 {
		free, err := computer.FreeBytes(s.config.pool())
		if err != nil {
			return err
		}
		limit = max(free-reserve, 0)
	}
	got, err := io.Copy(f, io.LimitReader(&contextReader{ctx, r}, limit+1))
	switch {
	case err != nil:
		return err
	case got > limit && size < 0:
		return noRoom(op, name, "it does not fit into "+s.config.pool())
	case size >= 0 && got != size:
		return invalid(op, name, fmt.Sprintf("%d bytes were announced, %d or more came", size, got), "upload it again")
	}
	return f.Sync()
}

// poolError explains a failure to write into the pool.
func (s *Store) poolError(op, name string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return noRoom(op, name, s.config.pool()+" is full")
	}
	return fail(op, name, err)
}

// contextReader ends between two reads when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// fusionClip makes a refused name short and printable enough for an error.
func fusionClip(name string) string {
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	quoted := fmt.Sprintf("%q", name)
	return quoted[1 : len(quoted)-1]
}
