package process

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// OwnSession makes a process that survives the node. As root it also gets a
// user namespace in which it is "nobody": libvirtd is then a session daemon
// like an ordinary user's, and neither it nor QEMU has root's capabilities;
// only root's own files are open to them.
func OwnSession() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if os.Getuid() != 0 {
		return attr
	}
	uid, gid := 65534, 65534
	if nobody, err := user.Lookup("nobody"); err == nil {
		uid, gid = accountNumber(nobody.Uid), accountNumber(nobody.Gid)
	}
	attr.Cloneflags = syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: 0, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: os.Getgid(), Size: 1}}
	return attr
}

// accountNumber reads the number of an account.
func accountNumber(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil {
		return 65534
	}
	return n
}

// SearchPath is PATH with the directories of daemons.
func SearchPath() string {
	return strings.TrimPrefix(os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", ":")
}

// Find looks for a program in SearchPath. It promises exec.ErrNotFound.
func Find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
