package vmctl

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncAll puts all that was written to the file system of dir on its disk, at once: a
// call for each of many small files takes much longer (syncfs(2)).
func syncAll(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}
