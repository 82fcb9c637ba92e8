//go:build unix

package home

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the file (flock(2)) until it is closed, or says that another
// process has it.
func lockFile(file *os.File) (taken bool, err error) {
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
