package app

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"

	"hither/app/home"
	"hither/fusion"
)

// lock keeps a second node off the same home (LockFileEx).
type lock struct{ file *os.File }

func takeLock(h home.Home) (*lock, error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(h.Sub("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		err = &fusion.Error{Op: "node", Path: h.Dir, Cause: fusion.ErrBusy, Detail: "a node runs on this home already",
			Hint: "see it with: hither status; end it with: hither down"}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &lock{file: file}, nil
}

func (l *lock) release() error { return l.file.Close() }
