//go:build !linux && !windows && !darwin

package computer

import (
	"time"

	"hither/fusion"
)

func systemMemory() (total, free int64) { return 0, 0 }

func systemStarted() time.Time { return time.Time{} }

func systemDisks() []fusion.Disk { return nil }
