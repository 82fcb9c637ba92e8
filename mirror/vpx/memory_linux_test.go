//go:build amd64 || arm64

package vpx

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"hither/mirror/yuv"
)

// resident is this program's memory without what Go could give back, in KiB (VmRSS,
// proc_pid_status(5)).
func resident(t *testing.T) (kib int) {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

func TestClosedEncodersGiveTheirMemoryBack(t *testing.T) {
	need(t)
	m := yuv.New(1280, 720, false)
	film := func() {
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked: each has a thread, and a heap, of its own
			e, err := NewEncoder(Config{Width: 1280, Height: 720})
			if err == nil {
				_, err = e.Encode(m, time.Time{}, true)
			}
			if err == nil {
				err = e.Close()
			}
			done <- err
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	film()
	film() // the first ones make what stays: libvpx's tables, the race detector's
	before := resident(t)
	for range 8 {
		film()
	}
	if after := resident(t); after > before+16<<10 {
		t.Errorf("%d KiB after two encoders, %d after eight more", before, after)
	}
}
