package private

import (
	"context"
	"os"
	"strings"

	"hither/vmctl/computer"
	"hither/vmctl/process"
)

// End ends the daemon, then every QEMU it left, and removes the link.
func (p Daemon) End(ctx context.Context) {
	p.Stop(ctx)
	for pid, args := range computer.Processes() {
		if strings.Contains(args, p.Link+"/c/libvirt/qemu/lib/") && strings.Contains(args, "-uuid") {
			process.End(ctx, pid)
		}
	}
	_ = os.Remove(p.Link) // the next start makes it anew
}

// Stop ends the daemon that was started with our pid file, whatever that file says, within
// some seconds. Its machines go on; Ensure starts another, which adopts them.
func (p Daemon) Stop(ctx context.Context) {
	for pid, args := range computer.Processes() {
		if strings.Contains(args, "\x00--pid-file\x00"+p.PIDFile()+"\x00") {
			process.End(ctx, pid)
		}
	}
}
