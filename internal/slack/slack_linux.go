//go:build cgo

package slack

// #include "slack_linux.h"
import "C"

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Nanoseconds.
const (
	usual = 50_000
	ours  = C.SLACK
)

// Usual runs start, which starts a program, so that the program has the usual
// slack. Where the kernel lets nobody choose (a sandbox), there is no other.
func Usual(start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, usual, 0, 0, 0); err != nil {
		return start()
	}
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, ours, 0, 0, 0)
	return start()
}
