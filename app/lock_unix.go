//go:build unix

package app

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hither/app/home"
	"hither/fusion"
)

// lock keeps a second node off the same home. The kernel lets it go when the
// process ends, however it ends.
type lock struct{ file *os.File }

func takeLock(h home.Home) (*lock, error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(h.Sub("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = &fusion.Error{Op: "node", Path: h.Dir, Cause: fusion.ErrBusy, Detail: "a node runs on this home already",
			Hint: "see it with: hither status; end it with: hither down"}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &lock{file: file}, nil
}

func (l *lock) release() error { return l.file.Close() }
