package vmctl

import (
	"context"
	"os"
	"strings"
	"time"

	"hither/vmctl/computer"
	"hither/vmctl/process"
)

// end ends the daemon, then every QEMU it left, and removes the link.
func (p private) end(ctx context.Context) {
	p.endDaemon(ctx)
	for pid, args := range computer.Processes() {
		if strings.Contains(args, p.link+"/c/libvirt/qemu/lib/") && strings.Contains(args, "-uuid") {
			process.End(ctx, pid)
		}
	}
	_ = os.Remove(p.link) // the next start makes it anew
}

// endDaemon ends the daemon that was started with our pid file, whatever that
// file says.
func (p private) endDaemon(ctx context.Context) {
	for pid, args := range computer.Processes() {
		if strings.Contains(args, "\x00--pid-file\x00"+p.pidFile()+"\x00") {
			process.End(ctx, pid)
		}
	}
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
