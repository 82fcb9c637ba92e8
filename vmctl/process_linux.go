package vmctl

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ownSession makes a process that survives the node. As root it also gets a
// user namespace in which it is "nobody": libvirtd is then a session daemon
// like an ordinary user's, and neither it nor QEMU has root's capabilities;
// only root's own files are open to them.
func ownSession() *syscall.SysProcAttr {
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

// searchPath is PATH with the directories of daemons.
func searchPath() string {
	return strings.TrimPrefix(os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", ":")
}

func findProgram(name string) (string, error) {
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

// longestLink leaves room below the link for "/c/libvirt/qemu/lib/domain-N-NAME/
// monitor.sock", where libvirt clips NAME to 20 bytes.
const longestLink = 40

// shortLink gives the path of the link to a private daemon's tree: in runDir,
// or in /tmp when that is too long.
func shortLink(runDir, dir string) string {
	if link := filepath.Join(runDir, "v"); len(link) <= longestLink {
		return link
	}
	sum := sha256.Sum256([]byte(dir))
	return fmt.Sprintf("/tmp/hither-%d-%x", os.Getuid(), sum[:4])
}

// ensureLink makes link point to dir. Somebody else's link in /tmp is refused.
func ensureLink(link, dir string) error {
	err := os.Symlink(dir, link)
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(link)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Getuid() {
		return fmt.Errorf("%s belongs to somebody else", link)
	}
	if old, err := os.Readlink(link); err != nil || old == dir {
		return err
	}
	if err := os.Remove(link); err != nil {
		return err
	}
	return os.Symlink(dir, link)
}
