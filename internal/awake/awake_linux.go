package awake

import (
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Keep gives each processor that this process may run on a timer of a few
// milliseconds, until the returned function is called, which waits for the end.
func Keep() (stop func(), err error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, err
	}
	var over atomic.Bool
	var running sync.WaitGroup
	for cpu := range len(all) * 64 {
		if all.IsSet(cpu) {
			running.Go(func() { tick(cpu, &over) })
		}
	}
	return func() {
		over.Store(true)
		running.Wait()
	}, nil
}

// tick sleeps on a processor. Its thread ends with it, as it stays bound.
func tick(cpu int, over *atomic.Bool) {
	runtime.LockOSThread()
	var one unix.CPUSet
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return // the processor was taken away
	}
	for !over.Load() {
		t := unix.NsecToTimespec(int64(every))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil) // a signal ends it early
	}
}
