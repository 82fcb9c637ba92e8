package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hither/fusion"
)

func TestFileError(t *testing.T) {
	path := func(err error) error { return &fs.PathError{Op: "open", Path: "/x/y", Err: err} }
	for _, c := range []struct {
		err   error
		cause error
		code  int
	}{
		{path(syscall.EACCES), fusion.ErrPermission, exitPermission},
		{path(syscall.EPERM), fusion.ErrPermission, exitPermission},
		{path(syscall.EROFS), fusion.ErrPermission, exitPermission},
		{path(syscall.ENOENT), fusion.ErrNotFound, exitNotFound},
		{path(syscall.ENOTDIR), fusion.ErrInvalid, exitError},
		{fmt.Errorf("home: %w", path(syscall.EACCES)), fusion.ErrPermission, exitPermission},
		{&fusion.Error{Op: "home", Cause: path(syscall.ENOSPC)}, fusion.ErrBusy, exitError},
	} {
		got := fileError(c.err)
		if !errors.Is(got, c.cause) || exitCode(got) != c.code || fusion.Hint(got) == "" {
			t.Errorf("%v became %v (exit %d)", c.err, got, exitCode(got))
		}
	}
	for _, err := range []error{nil, errors.New("x"), path(syscall.EIO), &fusion.Error{Cause: fusion.ErrBusy}, usage(path(syscall.ENOENT))} {
		if got := fileError(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
	err := fileError(os.WriteFile(filepath.Join(t.TempDir(), "no", "x.png"), nil, 0o644))
	if !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("no directory: %v", err)
	}
}
