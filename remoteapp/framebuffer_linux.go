package remoteapp

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// The desktop's X server keeps its pixels in a file that lies in memory and that
// only this account can enter: so they are mirrored without asking the server for
// each. It has room for the largest size from the start, so an app's display, of
// which there may be many, goes without.
const (
	memory      = "/dev/shm"
	bufferBytes = maxWidth * maxHeight * 4
)

// newBufferDir is named after the display and the mount namespace: containers that
// share the memory may have the same paths.
func (s *server) newBufferDir() (string, error) {
	namespace, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(namespace + s.dir))
	return filepath.Join(memory, fmt.Sprintf("hither-%x", sum[:8])), nil
}

// framebuffer is the file, if there is one.
func (s *server) framebuffer() string {
	file := filepath.Join(s.Buffer, "Xvfb_screen0")
	if _, err := os.Stat(file); err != nil || !own(s.Buffer) {
		return ""
	}
	return file
}

// own says whether a directory is there and this account's alone: in memory anybody
// may make one of any name.
func own(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode() == os.ModeDir|0o700 && int(stat.Uid) == os.Geteuid()
}

// makeBuffer makes the directory, where there is memory for it and for others.
// What an earlier display left there goes.
func (s *server) makeBuffer() error {
	dir, err := s.newBufferDir()
	if err != nil {
		return err
	}
	if own(dir) {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err != nil {
		return err
	}
	if fs.Type != unix.TMPFS_MAGIC || fs.Bavail*uint64(fs.Bsize) < bufferBytes*4 {
		return fmt.Errorf("%s has no %d MiB of memory left", memory, bufferBytes*4>>20)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	s.Buffer = dir
	return nil
}

// dropBuffer removes the directory.
func (s *server) dropBuffer() error {
	if !own(s.Buffer) {
		return nil
	}
	return os.RemoveAll(s.Buffer)
}
