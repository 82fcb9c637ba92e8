package pulse

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// credentials lets the kernel tell the server whose process this is, with each
// write. A server asks for it too, but the first write may come before.
func credentials(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	if err != nil {
		return err
	}
	return failed
}
