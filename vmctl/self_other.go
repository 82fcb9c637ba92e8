//go:build !linux

package vmctl

import (
	"math"
	"os"
	"runtime"
	"time"

	"hither/fusion"
)

// self is this computer as a machine, as far as Go itself knows it.
func self() fusion.Machine {
	names := map[string]string{"darwin": "macOS", "windows": "Windows"}
	name := names[runtime.GOOS]
	if name == "" {
		name = runtime.GOOS
	}
	return fusion.Machine{
		Name: fusion.Self, Kind: fusion.KindSelf, State: fusion.Running,
		CPUs: runtime.NumCPU(), OS: name, Screen: true, Verbs: []fusion.Verb{},
	}
}

func selfStats() fusion.Stats {
	return fusion.Stats{Name: fusion.Self, Time: time.Now(), CPUs: runtime.NumCPU()}
}

// freeBytes is not known here: a full disk is noticed when a write fails.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }

// diskSpace is not known here; 0 says so.
func diskSpace(path string) (total, free int64, err error) {
	_, err = os.Stat(path)
	return 0, reserve, err
}

func allocated(info os.FileInfo) int64 { return info.Size() }
