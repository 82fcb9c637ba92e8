//go:build !linux

package vmctl

import (
	"math"
	"os"
	"runtime"
	"time"

	"hither/fusion"
)

// self is this computer as a machine. What its system does not tell is left zero.
func self() fusion.Machine {
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

func selfStats() fusion.Stats {
	total, free := systemMemory()
	s := fusion.Stats{Name: fusion.Self, Time: time.Now(), CPUs: runtime.NumCPU(), MemoryBytes: total}
	if free > 0 {
		s.MemoryUsedBytes = total - free
	}
	return s
}

// freeBytes is not known here: a full disk is noticed when a write fails.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }

// diskSpace is not known here; 0 says so.
func diskSpace(path string) (total, free int64, err error) {
	_, err = os.Stat(path)
	return 0, reserve, err
}

func allocated(info os.FileInfo) int64 { return info.Size() }
