//go:build unix

package wholefile

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes a rename in dir last through a power cut, where the file system can
// (fsync(2): EINVAL where it cannot).
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
