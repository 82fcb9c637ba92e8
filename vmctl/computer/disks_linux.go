package computer

import (
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// fileSystems lists the mounted file systems that hold files of the owner's,
// each once, as df does.
func fileSystems() []fusion.Disk {
	var disks []fusion.Disk
	for _, m := range mounts(string(proc("self/mountinfo"))) {
		var st unix.Statfs_t
		if unix.Statfs(m.point, &st) != nil || st.Blocks == 0 {
			continue
		}
		disks = append(disks, fusion.Disk{
			Name:       m.point,
			TotalBytes: int64(st.Blocks) * st.Bsize,
			UsedBytes:  int64(st.Blocks-st.Bfree) * st.Bsize,
		})
	}
	return disks
}

type mount struct{ point, device string }

// diskless are file systems that hold no files of their own. Network file
// systems are left out too: a server that hangs would hang the list.
var diskless = []string{
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
	"fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs",
	"squashfs", "sysfs", "tmpfs", "tracefs", "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "iso9660",
}

// mounts reads mountinfo (proc(5)), and of a device mounted several times gives
// the shortest mount point.
func mounts(mountinfo string) []mount {
	byDevice := map[string]mount{}
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 6 || len(right) < 2 {
			continue
		}
		kind := right[0]
		if slices.Contains(diskless, kind) || strings.HasPrefix(kind, "fuse.") {
			continue
		}
		m := mount{point: unescapeMount(left[4]), device: left[2]}
		if old, seen := byDevice[m.device]; !seen || len(m.point) < len(old.point) {
			byDevice[m.device] = m
		}
	}
	var all []mount
	for _, m := range byDevice {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b mount) int { return strings.Compare(a.point, b.point) })
	return all
}

var unescapeMount = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// FreeBytes is what an ordinary user may still write below path.
func FreeBytes(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// DiskSpace is the size of what path lies on, and what an ordinary user may still write.
func DiskSpace(path string) (total, free int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, err
	}
	return int64(st.Blocks) * st.Bsize, int64(st.Bavail) * st.Bsize, nil
}

// Allocated is how many bytes a file takes on its disk.
func Allocated(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
