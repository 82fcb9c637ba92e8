//go:build linux && e2e

package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// session runs a process that has a display, as a user.
func session(t *testing.T, display string, uid uint32, more ...string) {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.Env = append([]string{"DISPLAY=" + display}, more...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
}

// TestGuestLaunchesForAPerson sees that nothing is started on a login screen, and
// that a person's app runs as that person, at home.
func TestGuestLaunchesForAPerson(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("this test starts programs as another user; run it as root, as CI does")
	}
	const display, nobody = ":97533", 65534
	dir := t.TempDir()
	for path := dir; path != os.TempDir(); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	launch := func() int {
		_, code, err := here(t.Context(), "vm", []string{"/bin/sh", "-c", runScript, "sh", display, "sh", "-c", `echo "$(id -u) $(pwd)" >"$0"`, pipe})
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	session(t, display, 33, "HOME=/") // an account of the system's own
	if code := launch(); code != 3 {
		t.Fatalf("on a login screen: exit %d", code)
	}
	session(t, display+".0", nobody, "HOME="+dir)
	if code := launch(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	said, err := os.ReadFile(pipe) // waits for the program
	if want := "65534 " + dir; err != nil || strings.TrimSpace(string(said)) != want {
		t.Errorf("said %q, want %q, %v", said, want, err)
	}
}
