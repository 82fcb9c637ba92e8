package home

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hither/fusion"
)

// Lock makes the directories and keeps a second node off this home until the
// lock is closed. The kernel lets it go when the process ends, however it ends.
// It promises ErrBusy.
func (h Home) Lock() (io.Closer, error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(h.Sub("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	taken, err := lockFile(file)
	for try := 0; taken && try < 5; try++ { // Locked holds it for a moment
		time.Sleep(20 * time.Millisecond)
		taken, err = lockFile(file)
	}
	if taken {
		err = &fusion.Error{Op: "node", Path: h.Dir, Cause: fusion.ErrBusy, Detail: "a node runs on this home already",
			Hint: "see it with: hither status; end it with: hither down"}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Locked says whether a node runs on this home, be it one that no longer
// answers.
func (h Home) Locked() (bool, error) {
	file, err := os.OpenFile(h.Sub("lock"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("node: %w", err)
	}
	taken, err := lockFile(file)
	return taken, errors.Join(err, file.Close())
}
