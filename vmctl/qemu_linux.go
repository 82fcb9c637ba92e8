package vmctl

import (
	"strings"
	"time"

	"hither/vmctl/computer"
)

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
