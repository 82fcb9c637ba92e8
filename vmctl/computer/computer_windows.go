package computer

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"hither/fusion"
)

var (
	kernel32     = windows.NewLazySystemDLL("kernel32.dll")
	memoryStatus = kernel32.NewProc("GlobalMemoryStatusEx")
)

// memoryStatusEx is MEMORYSTATUSEX
// (https://learn.microsoft.com/windows/win32/api/sysinfoapi/ns-sysinfoapi-memorystatusex).
type memoryStatusEx struct {
	length, load                                   uint32
	totalPhys, availPhys, totalPage, availPage     uint64
	totalVirtual, availVirtual, availExtendedBytes uint64
}

// systemMemory is all memory and what is free of it, in bytes; 0 when Windows does
// not say.
func systemMemory() (total, free int64) {
	status := memoryStatusEx{}
	status.length = uint32(unsafe.Sizeof(status))
	if ok, _, _ := memoryStatus.Call(uintptr(unsafe.Pointer(&status))); ok == 0 {
		return 0, 0
	}
	return int64(status.totalPhys), int64(status.availPhys)
}

func systemStarted() time.Time {
	return time.Now().Add(-windows.DurationSinceBoot()).Truncate(time.Second)
}

// systemDisks gives the fixed drives, as C:\.
func systemDisks() (disks []fusion.Disk) {
	letters, err := windows.GetLogicalDrives()
	if err != nil {
		return nil
	}
	for i := range 26 {
		root := string(rune('A'+i)) + `:\`
		path, err := windows.UTF16PtrFromString(root)
		if letters&(1<<i) == 0 || err != nil || windows.GetDriveType(path) != windows.DRIVE_FIXED {
			continue
		}
		var total, free uint64
		if windows.GetDiskFreeSpaceEx(path, nil, &total, &free) == nil {
			disks = append(disks, fusion.Disk{Name: root, TotalBytes: int64(total), UsedBytes: int64(total - free)})
		}
	}
	return disks
}
