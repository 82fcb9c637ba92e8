package computer

import (
	"os"
	"strings"
)

// BootID names the computer's present boot, "" where the system does not tell (proc(5),
// /proc/sys/kernel/random/boot_id).
func BootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
