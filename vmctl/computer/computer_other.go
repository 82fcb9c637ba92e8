//go:build !linux

package computer

import (
	"math"
	"os"
	"runtime"
	"time"

	"hither/fusion"
)

// Machine is this computer as a machine. What its system does not tell is left zero.
func Machine() fusion.Machine {
	names := map[string]string{"darwin": "macOS", "windows": "Windows"}
	name := names[runtime.GOOS]
	if name == "" {
		name = runtime.GOOS
	}
	memory, _ := systemMemory()
	return fusion.Machine{
		Name: fusion.Self, Kind: fusion.KindSelf, State: fusion.Running,
		CPUs: runtime.NumCPU(), MemoryBytes: memory, OS: name, Started: systemStarted(), Disks: systemDisks(),
		Screen: true, Verbs: []fusion.Verb{},
	}
}

func Stats() fusion.Stats {
	total, free := systemMemory()
	s := fusion.Stats{Name: fusion.Self, Time: time.Now(), CPUs: runtime.NumCPU(), MemoryBytes: total}
	if free > 0 {
		s.MemoryUsedBytes = total - free
	}
	return s
}

// FreeBytes is not known here: a full disk is noticed when a write fails.
func FreeBytes(string) (int64, error) { return math.MaxInt64, nil }

// enough is what its callers leave free, in bytes.
const enough = 32 << 20

// DiskSpace is not known here: the total is 0, and free what nobody refuses to write for.
func DiskSpace(path string) (total, free int64, err error) {
	_, err = os.Stat(path)
	return 0, enough, err
}

func Allocated(info os.FileInfo) int64 { return info.Size() }
