package private

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

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
