package tunnel

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"hither/fusion"
)

// listenUnix listens on a socket that the owner alone can connect to, from its first moment:
// it is made in a directory of the owner's and moved to its place. A socket there that nobody
// listens on, as a killed node leaves one, is replaced, and nothing else is.
func listenUnix(path string) (net.Listener, error) {
	fail := func(cause error, detail, hint string) error {
		return &fusion.Error{Op: "tunnel.add", Path: "unix:" + path, Cause: cause, Detail: detail, Hint: hint}
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fail(fusion.ErrExists, "there is a file of this name", "take another path, or remove the file")
	default:
		if conn, err := net.Dial("unix", path); err == nil {
			return nil, errors.Join(fail(fusion.ErrBusy, "another program listens on this socket", "take another path, or end that program"), conn.Close())
		}
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".h")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(fusion.ErrNotFound, "its directory does not exist", "make the directory first")
	}
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir) // empty once the socket is in its place
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, "s")})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(filepath.Join(dir, "s"), 0o600); err == nil {
		err = os.Rename(filepath.Join(dir, "s"), path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(filepath.Join(dir, "s")))
	}
	return &unixListener{l, path}, nil
}

// unixListener removes its socket when it is closed.
type unixListener struct {
	*net.UnixListener
	path string
}

func (l *unixListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		err = os.Remove(l.path)
	}
	return err
}
