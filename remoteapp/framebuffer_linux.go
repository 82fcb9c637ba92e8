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

// bufferDir is named after the display's own, so that the next node finds it.
func (s *server) bufferDir() string {
	sum := sha256.Sum256([]byte(s.dir))
	return filepath.Join(memory, fmt.Sprintf("hither-%x", sum[:8]))
}

// framebuffer is the file, if there is one.
func (s *server) framebuffer() string {
	file := filepath.Join(s.bufferDir(), "Xvfb_screen0")
	if _, err := os.Stat(file); err != nil || !s.hasBuffer() {
		return ""
	}
	return file
}

// hasBuffer says whether the directory is there and this account's alone: in
// memory anybody may make one of that name.
func (s *server) hasBuffer() bool {
	info, err := os.Lstat(s.bufferDir())
	if err != nil || s.App != "" {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode() == os.ModeDir|0o700 && int(stat.Uid) == os.Geteuid()
}

// makeBuffer makes the directory, where there is memory for it.
func (s *server) makeBuffer() error {
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err != nil {
		return err
	}
	if fs.Type != unix.TMPFS_MAGIC || fs.Bavail*uint64(fs.Bsize) < bufferBytes*5/4 {
		return fmt.Errorf("%s has no room for %d MiB in memory", memory, bufferBytes>>20)
	}
	if err := s.dropBuffer(); err != nil {
		return err
	}
	return os.Mkdir(s.bufferDir(), 0o700)
}

// dropBuffer removes it, and what an earlier display left there.
func (s *server) dropBuffer() error {
	if !s.hasBuffer() {
		return nil
	}
	return os.RemoveAll(s.bufferDir())
}
