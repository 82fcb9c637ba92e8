// Package wholefile replaces files as a whole. It imports nothing of the project.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write replaces path, with mode 0600: after a kill, a power cut or on a full disk it holds
// the old content or the new, never half of one. Of two that write one path at a time only
// one may; what a kill left beside it (path.new) the next one takes.
func Write(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}
