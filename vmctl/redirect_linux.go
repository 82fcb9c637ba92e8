package vmctl

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"hither/vmctl/computer"
)

// qemuUser gives the user of a machine's QEMU, -1 when it is not there.
func qemuUser(uuid string) int {
	for pid, args := range computer.Processes() {
		if !strings.Contains(args, "\x00-uuid\x00"+uuid+"\x00") {
			continue
		}
		info, err := os.Stat("/proc/" + strconv.Itoa(pid))
		if err != nil {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			return int(stat.Uid)
		}
	}
	return -1
}

// handOver gives an empty directory of ours in /tmp to another user, or finds that it is theirs.
func handOver(dir string, uid int) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != uid && int(stat.Uid) != os.Getuid() {
		return errors.New(dir + " is somebody else's")
	}
	return os.Lchown(dir, uid, -1)
}
