package record

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// lessRight is how much lower the priority of encoding is, as nice(1) says it.
const lessRight = 3

// yield gives this goroutine's thread, and those that libvpx starts from it,
// less right to the processor than the view. The thread ends with the goroutine.
// A refusal is no failure: it would only be slower for others.
func yield() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), lessRight)
}
