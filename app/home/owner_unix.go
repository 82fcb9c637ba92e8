//go:build unix

package home

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

func writable(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }

// private refuses a directory that somebody else made or may write to: under
// /tmp another user could have been first.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return &fusion.Error{Op: "home", Path: dir, Cause: fusion.ErrPermission,
			Detail: "the directory is not this user's alone",
			Hint:   "remove it, or set XDG_RUNTIME_DIR to a directory of your own"}
	}
	return nil
}
