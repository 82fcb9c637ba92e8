package computer

import (
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// systemMemory is all memory in bytes; how much of it is free macOS tells through
// Mach only, which needs cgo.
func systemMemory() (total, free int64) {
	bytes, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0, 0
	}
	return int64(bytes), 0
}

func systemStarted() time.Time {
	at, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return time.Time{}
	}
	return time.Unix(at.Sec, 0)
}

// systemDisks gives the volume that holds the owner's files.
func systemDisks() []fusion.Disk {
	const data = "/System/Volumes/Data"
	var st unix.Statfs_t
	if unix.Statfs(data, &st) != nil || st.Blocks == 0 {
		return nil
	}
	return []fusion.Disk{{Name: "/", TotalBytes: int64(st.Blocks) * int64(st.Bsize), UsedBytes: int64(st.Blocks-st.Bfree) * int64(st.Bsize)}}
}
