//go:build unix

package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nonblock keeps the opening of a pipe from waiting for its writer.
const nonblock = unix.O_NONBLOCK | unix.O_NOFOLLOW

// hold takes a directory (flock(2)) until it is closed, or says that another
// process has it.
func hold(dir *os.File) (taken bool, err error) {
	err = unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// holdWhen waits for a directory until it is free, and takes it.
func holdWhen(dir *os.File) error { return unix.Flock(int(dir.Fd()), unix.LOCK_EX) }

// free gives the bytes of a disk that are free to its users.
func free(dir string) (uint64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return disk.Bavail * uint64(disk.Bsize), nil
}

// full says whether an error means that a disk is full.
func full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
