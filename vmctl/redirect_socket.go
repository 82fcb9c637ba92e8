package vmctl

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"hither/fusion"
)

// The sockets on which QEMU listens for devices of other computers must be in a directory
// where QEMU may make them, and where nobody but it and this node may connect.

// socketOf gives the path for a machine and a tag. libvirt of the whole computer runs QEMU as
// a user of its own, into whose directory only root may look.
func (s *Store) socketOf(uuid, tag string) (string, error) {
	name := head(uuid) + "-" + tag + ".usb"
	switch {
	case s.privateUsed():
		return s.config.private().USBSocket(name), nil
	case !strings.Contains(s.URI(), "/system"):
		return filepath.Join(s.config.RunDir, name), nil
	case os.Getuid() != 0:
		return "", &fusion.Error{Op: opChange, Cause: fusion.ErrUnsupported, Detail: "libvirt runs its machines as another user here, and only root may reach their USB ports",
			Hint: "run the node as root, or with a libvirt of its own: hither up --libvirt private"}
	}
	return filepath.Join("/tmp", "hither-usb-"+head(uuid), name), nil
}

// makeSocketDir makes the directory of a redirection's socket where that is QEMU's own.
func (s *Store) makeSocketDir(e *redirection) (socket string, err error) {
	socket, err = s.socketOf(e.UUID, e.tag())
	if err != nil || s.privateUsed() || !strings.Contains(s.URI(), "/system") {
		return socket, err
	}
	uid := qemuUser(e.UUID)
	if uid < 0 {
		return socket, errors.New("the machine's QEMU is not there")
	}
	dir := filepath.Dir(socket)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return socket, err
	}
	return socket, handOver(dir, uid)
}

// dropSocket removes what a redirection leaves in the file system.
func (s *Store) dropSocket(e *redirection) {
	socket, err := s.socketOf(e.UUID, e.tag())
	if err != nil {
		return // it was never made
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.config.Log.Warn("a socket stays", "error", err)
	}
	if strings.HasPrefix(socket, "/tmp/hither-usb-") {
		_ = os.Remove(filepath.Dir(socket)) // other devices may have sockets there
	}
}
