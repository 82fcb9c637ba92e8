package capture

import (
	"golang.org/x/sys/unix"

	"hither/fusion"
)

// shm is a SysV shared memory segment that the X server writes into.
type shm struct {
	id  int
	seg uint32 // its name at the X server
	mem []byte
}

func newShm(size int) (shm, error) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, size, unix.IPC_CREAT|0o600)
	if err != nil {
		return shm{}, failed(x11Op, "", fusion.ErrUnsupported, "shared memory: "+err.Error(), "")
	}
	mem, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return shm{}, failed(x11Op, "", fusion.ErrUnsupported, "shared memory: "+err.Error(), "")
	}
	return shm{id: id, mem: mem}, nil
}

// remove lets the segment vanish with the last of the two that use it.
func (s shm) remove() { _, _ = unix.SysvShmCtl(s.id, unix.IPC_RMID, nil) }

func (s *shm) free() {
	_ = unix.SysvShmDetach(s.mem)
	s.mem = nil
}
