//go:build e2e

package e2e

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBackupAwaySurvivesLibvirtd kills the source's libvirtd while QEMU serves the disks.
func TestBackupAwaySurvivesLibvirtd(t *testing.T) {
	k := newKeepers(t)
	began := time.Now()
	k.pc.hither("machine", "backup", "take", "alpha/mover", "--to", "nas")
	usual := time.Since(began)
	for range kills(t) / 2 {
		for _, b := range k.kept() {
			k.nas.hither("machine", "backup", "rm", "alpha/mover", b.ID, "--from", "nas")
		}
		take := k.pc.command("machine", "backup", "take", "alpha/mover", "--to", "nas")
		if err := take.Start(); err != nil {
			t.Fatal(err)
		}
		after := usual/6 + time.Duration(rand.Int64N(int64(usual/3)))
		time.Sleep(after) // the random moment
		text, err := os.ReadFile(filepath.Join(k.alpha.home, "machines/libvirt/libvirtd.pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil {
			t.Fatal(err)
		}
		failed := take.Wait()
		took := until(t, "nothing is left", func() bool { return len(k.left()) == 0 })
		t.Logf("libvirtd killed after %v: the command says %v; settled after %v", after.Round(time.Millisecond), failed, took.Round(time.Millisecond))
		until(t, "its libvirt is back", func() bool { _, _, code := k.alpha.try("machine", "pause", "mover"); return code == 0 })
		k.alpha.hither("machine", "resume", "mover")
		k.take()
	}
}
