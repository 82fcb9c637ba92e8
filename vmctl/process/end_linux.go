package process

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// End asks a process to end, kills it after some seconds, and returns
// when it is gone or ctx ends.
func End(ctx context.Context, pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // gone
	}
	defer unix.Close(fd)
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if unix.PidfdSendSignal(fd, sig, nil, 0) != nil || awaitEnd(ctx, fd, 10*time.Second) {
			return
		}
	}
}

// awaitEnd waits on a pidfd, which is readable once its process ended.
func awaitEnd(ctx context.Context, fd int, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline) && ctx.Err() == nil; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 200)
		if n > 0 || err != nil && err != unix.EINTR {
			return true
		}
	}
	return false
}
