//go:build e2e && linux

package vmctl

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/process"
)

// testUser is the ordinary user that end-to-end tests run as.
const testUser = "hither-test"

// TestAsOrdinaryUser runs this test binary again as an ordinary user, who has
// nothing but a home.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("run the end-to-end tests as root: they become an ordinary user by themselves")
	}
	who, err := user.Lookup(testUser)
	if err != nil {
		run(t, "useradd", "--create-home", "--shell", "/bin/sh", testUser)
		who = must(user.Lookup(testUser))(t)
	}
	uid, gid := number(t, who.Uid), number(t, who.Gid)
	dir := must(os.MkdirTemp("", "vmuser-"))(t)
	defer os.RemoveAll(dir)
	ok(t, os.Chown(dir, uid, gid))
	binary := filepath.Join(dir, "vmctl.test")
	run(t, "cp", must(os.Executable())(t), binary)
	ok(t, os.Chmod(binary, 0o755))

	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^TestUserIn", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{asUserEnv + "=1", "HOME=" + dir, "TMPDIR=" + dir, "XDG_RUNTIME_DIR=" + dir + "/run",
		"USER=" + testUser, "LOGNAME=" + testUser, "PATH=" + os.Getenv("PATH")}
	ok(t, os.Mkdir(dir+"/run", 0o700))
	ok(t, os.Chown(dir+"/run", uid, gid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || strings.Count(string(out), "--- PASS: TestUserIn") != 2 {
		t.Errorf("as %s: %v", testUser, err)
	}
	endSession(t, dir)
}

// endSession ends the daemons that libvirt started by itself for the user's
// qemu:///session; they would end after two minutes.
func endSession(t *testing.T, dir string) {
	t.Helper()
	for pid := range computer.Processes() {
		env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err == nil && strings.Contains(string(env), "XDG_RUNTIME_DIR="+dir+"/run\x00") {
			process.End(t.Context(), pid)
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	return must(strconv.Atoi(text))(t)
}

// asUser guards the tests that only TestAsOrdinaryUser runs.
func asUser(t *testing.T) bool {
	t.Helper()
	return os.Getenv(asUserEnv) != ""
}

func TestUserInPrivate(t *testing.T) {
	if !asUser(t) {
		return // TestAsOrdinaryUser runs it
	}
	s, _ := stage(t, "private")
	aLife(t, s, "life")
}

func TestUserInSession(t *testing.T) {
	if !asUser(t) {
		return // TestAsOrdinaryUser runs it
	}
	s, config := stage(t, "")
	if s.URI() != uriSession {
		t.Fatalf("chose %s", s.URI())
	}
	aLife(t, s, "life")
	// StopAll leaves what the owner made by other means.
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "ours", MemoryBytes: 64 << 20, Start: true}))(t)
	pid := qemuPID(m.UUID)
	closeStore(t, s)
	s = open(t, config)
	if got := must(s.Get(t.Context(), "ours"))(t); got.State != fusion.Running || qemuPID(m.UUID) != pid {
		t.Errorf("after a restart: %+v", got)
	}
	stopAll(t, s)
	if got := must(s.Get(t.Context(), "ours"))(t); got.State != fusion.Off {
		t.Errorf("after StopAll: %+v", got)
	}
	ok(t, s.Remove(t.Context(), "ours"))
}
