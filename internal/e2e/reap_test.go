//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// reapGuests takes QEMUs that have ended off the list of processes at once, as an init
// does. libvirt waits for that before it says that a machine has left, and the first
// process of a container may look only every second or two.
func reapGuests(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	ended, stop := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(ended, syscall.SIGCHLD)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ended:
				reap()
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		signal.Stop(ended)
		close(stop)
		<-done
		reap()
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); err != nil {
			t.Error(err)
		}
	})
}

// reap waits for this process's children that are QEMU and have ended; others are waited
// for by those who started them.
func reap() {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	ours := fmt.Sprintf(") Z %d ", os.Getpid())
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), ours) || !strings.Contains(string(text), "(qemu-system") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // it is a zombie
		}
	}
}
