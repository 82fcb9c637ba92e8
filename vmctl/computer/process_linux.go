package computer

import (
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"
)

// Processes yields every process that has arguments, with its command line as
// in /proc: each argument ends with a zero byte.
func Processes() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		dirs, err := os.ReadDir("/proc")
		if err != nil {
			return
		}
		for _, dir := range dirs {
			pid, err := strconv.Atoi(dir.Name())
			if err != nil {
				continue
			}
			args, err := os.ReadFile("/proc/" + dir.Name() + "/cmdline")
			if err != nil || len(args) == 0 {
				continue
			}
			if !yield(pid, string(args)) {
				return
			}
		}
	}
}

// ticks per second of /proc/PID/stat, the same on every Linux (USER_HZ).
const ticks = 100

// ProcessStart says when a process was started, zero when it is gone.
func ProcessStart(pid int) time.Time {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return time.Time{}
	}
	// The name in parentheses may hold anything; field 22 counts from before it.
	rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return time.Time{}
	}
	return bootTime().Add(time.Duration(atoi(fields[19])) * time.Second / ticks)
}

func atoi(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
