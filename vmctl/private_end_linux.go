package vmctl

import (
	"context"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hither/vmctl/computer"
)

// end ends the daemon, then every QEMU it left, and removes the link.
func (p private) end(ctx context.Context) {
	p.endDaemon(ctx)
	for pid, args := range computer.Processes() {
		if strings.Contains(args, p.link+"/c/libvirt/qemu/lib/") && strings.Contains(args, "-uuid") {
			endProcess(ctx, pid)
		}
	}
	_ = os.Remove(p.link) // the next start makes it anew
}

// endDaemon ends the daemon that was started with our pid file, whatever that
// file says.
func (p private) endDaemon(ctx context.Context) {
	for pid, args := range computer.Processes() {
		if strings.Contains(args, "\x00--pid-file\x00"+p.pidFile()+"\x00") {
			endProcess(ctx, pid)
		}
	}
}

// endProcess asks a process to end, kills it after some seconds, and returns
// when it is gone or ctx ends.
func endProcess(ctx context.Context, pid int) {
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

// qemuStarts gives when each running QEMU was started, by domain UUID.
func qemuStarts() map[string]time.Time {
	starts := map[string]time.Time{}
	for pid, args := range computer.Processes() {
		_, rest, ok := strings.Cut(args, "\x00-uuid\x00")
		if !ok {
			continue
		}
		uuid, _, _ := strings.Cut(rest, "\x00")
		if t := computer.ProcessStart(pid); !t.IsZero() {
			starts[uuid] = t
		}
	}
	return starts
}
