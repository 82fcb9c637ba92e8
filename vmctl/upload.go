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

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// Upload streams an image into the pool. Of unknown size (-1) it takes what
// fits. A broken upload leaves nothing.
func (s *Store) Upload(ctx context.Context, name string, size int64, r io.Reader) error {
	const op = "image.upload"
	if err := fusion.CheckName(name); err != nil {
		return invalid(op, fusionClip(name), "", fusion.Hint(err))
	}
	final := filepath.Join(s.config.pool(), name)
	if err := imagepool.Vacant(op, name, final); err != nil {
		return err
	}
	if err := s.pool.Room(op, name, max(size, 0)); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.config.pool(), imagepool.Partial+"*")
	if err != nil {
		return s.poolError(op, name, err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	sum := sha256.New()
	err = s.pool.Receive(ctx, op, name, f, size, io.TeeReader(r, sum))
	if err := errors.Join(err, f.Close()); err != nil {
		return s.poolError(op, name, err)
	}
	// The name is taken at the end only: an upload that broke may not have
	// noticed yet when its person tries again.
	if err := s.pool.Place(op, name, f.Name(), imagepool.Note{Sum: "sha256:" + hex.EncodeToString(sum.Sum(nil))}); err != nil {
		return err
	}
	s.config.Log.Info("image uploaded", "image", name, "trace", fusion.Trace(ctx))
	return nil
}

// poolError explains a failure to write into the pool.
func (s *Store) poolError(op, name string, err error) error {
	if imagepool.IsFull(err) {
		return imagepool.NoRoom(op, name, s.config.pool()+" is full")
	}
	return fail(op, name, err)
}

// fusionClip makes a refused name short and printable enough for an error.
func fusionClip(name string) string {
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	quoted := fmt.Sprintf("%q", name)
	return quoted[1 : len(quoted)-1]
}
