//go:build e2e && linux

package vmctl

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
)

// TestHangingDaemon stops libvirtd as a debugger would: callers go when their
// context ends, and all is well once it goes on.
func TestHangingDaemon(t *testing.T) {
	s, config := stage(t, "private")
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20}))(t)
	daemon := daemonPID(t, config)
	ok(t, syscall.Kill(daemon, syscall.SIGSTOP))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := s.Get(ctx, "m")
	ok(t, syscall.Kill(daemon, syscall.SIGCONT))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	eventually(t, "it answers again", func() bool {
		m, err := s.Get(t.Context(), "m")
		return err == nil && m.State == fusion.Off
	})
}

// TestLibvirtMissing runs this binary where the library libvirt.so.0 is not to
// be had, in a mount namespace.
func TestLibvirtMissing(t *testing.T) {
	needsRoot(t)
	const hide = `for lib in /usr/lib/*/libvirt.so.0 /usr/lib64/libvirt.so.0; do
		[ ! -e "$lib" ] || mount --bind /dev/null "$lib" || exit 1
	done; exec "$@"`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", hide, "sh", must(os.Executable())(t), "-test.run", "^TestInsideWithoutLibrary$", "-test.v")
	cmd.Env = append(os.Environ(), asUserEnv+"=nolib")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInsideWithoutLibrary") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestInsideWithoutLibrary(t *testing.T) {
	if os.Getenv(asUserEnv) != "nolib" {
		return // TestLibvirtMissing runs it
	}
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: uriSession}))(t)
	defer closeStore(t, s)
	if list := must(s.List(t.Context()))(t); len(list) != 1 || list[0].Name != fusion.Self {
		t.Errorf("%+v", list)
	}
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "m"})
	refused(t, err, fusion.ErrUnsupported)
	if !strings.Contains(fusion.Hint(err), "apt install") {
		t.Errorf("hint: %s", fusion.Hint(err))
	}
}

// TestLibvirtsTestDriver needs no daemon: a libvirt of another kind works too.
func TestLibvirtsTestDriver(t *testing.T) {
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "test:///default"}))(t)
	defer closeStore(t, s)
	events := watch(t, s)
	if list := must(s.List(t.Context()))(t); len(list) != 2 || list[1].Name != "test" || list[1].State != fusion.Running {
		t.Fatalf("%+v", list)
	}
	ok(t, s.Do(t.Context(), "test", fusion.Pause))
	events.await(t, "test paused")
	_, err := s.OpenConsole(t.Context(), "test")
	refused(t, err, fusion.ErrUnsupported)
	must(s.Stats(t.Context()))(t)
}
