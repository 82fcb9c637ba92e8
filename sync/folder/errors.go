package folder

import (
	"errors"
	"os"
	"syscall"

	"hither/fusion"
)

var errClosed = &fusion.Error{Op: "folder", Cause: fusion.ErrOffline,
	Detail: "the node is stopping", Hint: "start the node again"}

// wrap gives an error of the file system its cause and, where there is
// something to do, a hint. An error that has both is left as it is.
func wrap(op, path string, err error) error {
	var known *fusion.Error
	if errors.As(err, &known) {
		return err
	}
	e := &fusion.Error{Op: op, Path: path, Cause: err}
	switch {
	case errors.Is(err, os.ErrPermission):
		e.Cause, e.Detail = fusion.ErrPermission, err.Error()
		e.Hint = "give the user of the node the right to write there, or choose another directory"
	case errors.Is(err, syscall.ENOSPC):
		e.Hint = "free some space on that disk"
	case errors.Is(err, os.ErrNotExist):
		e.Cause, e.Detail = fusion.ErrNotFound, err.Error()
		e.Hint = "mount the disk again, or make the directory"
	}
	return e
}

func notFound(op, name string) error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound,
		Hint: "`hither folder ls` shows the folders of this host"}
}
