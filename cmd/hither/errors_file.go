package main

import (
	"cmp"
	"errors"
	"io/fs"
	"syscall"

	"hither/fusion"
)

// fileCauses are what the file system answers, as a person can act on it.
var fileCauses = []struct{ is, cause error }{
	{fs.ErrPermission, fusion.ErrPermission},
	{syscall.EROFS, fusion.ErrPermission},
	{fs.ErrNotExist, fusion.ErrNotFound},
	{fs.ErrExist, fusion.ErrExists},
	{syscall.ENOTDIR, fusion.ErrInvalid},
	{syscall.EISDIR, fusion.ErrInvalid},
	{syscall.ENOSPC, fusion.ErrBusy},
}

// fileHints belong to the causes above.
var fileHints = map[error]string{
	fusion.ErrPermission: "give your user the right to it, or name another place",
	fusion.ErrNotFound:   "see the spelling, or make the directory first",
	fusion.ErrExists:     "name another place",
	fusion.ErrInvalid:    "a part of the path is no directory, or its end is one; name another place",
	fusion.ErrBusy:       "free some space on that disk",
}

// fileError gives an error of this computer's files its cause, path and hint.
// Any other error is left as it is.
func fileError(err error) error {
	var file *fs.PathError
	if fusion.CauseName(err) != "" || errors.As(err, new(usageError)) || !errors.As(err, &file) {
		return err
	}
	for _, c := range fileCauses {
		if errors.Is(file.Err, c.is) {
			return &fusion.Error{Op: file.Op, Path: file.Path, Cause: c.cause, Detail: file.Err.Error(),
				Hint: cmp.Or(fusion.Hint(err), fileHints[c.cause])}
		}
	}
	return err
}
