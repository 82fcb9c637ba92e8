//go:build cgo

package slack

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEveryThreadHasSlack(t *testing.T) {
	for range 8 {
		done := make(chan int)
		go func() {
			runtime.LockOSThread() // and never unlocked: each of these is a thread of its own
			n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
			if err != nil {
				n = -1
			}
			done <- n
		}()
		if n := <-done; n != ours {
			t.Errorf("a thread has %d ns of slack", n)
		}
	}
}

func TestAProgramHasTheUsualSlack(t *testing.T) {
	file := t.TempDir() + "/slack"
	cmd := exec.Command("sh", "-c", "exec cat /proc/self/timerslack_ns > "+file)
	if err := Usual(cmd.Start); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(said)); got != "50000" {
		t.Errorf("the program has %s ns", got)
	}
	if n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || n != ours {
		t.Errorf("afterwards this one has %d: %v", n, err)
	}
}
