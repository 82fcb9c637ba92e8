//go:build e2e

package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// account is an ordinary user of this machine.
type account struct {
	name     string
	uid, gid int
	home     string
}

// ordinaryUser gives the account that the tests use beside root, and makes it
// when it is missing. Tests that run as an ordinary user get that one.
func ordinaryUser(t *testing.T) *account {
	t.Helper()
	const name = "hither-test"
	if os.Getuid() != 0 {
		t.Fatal("this test starts programs as another user; run it as root, as CI does")
	}
	found, err := user.Lookup(name)
	if err != nil {
		if out, err := exec.Command("useradd", "--create-home", "--shell", "/bin/bash", name).CombinedOutput(); err != nil {
			t.Fatalf("useradd: %v: %s", err, out)
		}
		if found, err = user.Lookup(name); err != nil {
			t.Fatal(err)
		}
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return &account{name: name, uid: uid, gid: gid, home: found.HomeDir}
}

// own gives all below a path to the account; a test's own files need nothing.
func (a *account) own(t *testing.T, path string) {
	t.Helper()
	if a == nil {
		return
	}
	err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, a.uid, a.gid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// run makes a command run as the account, with its own environment.
func (a *account) run(cmd *exec.Cmd) {
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	for i, v := range cmd.Env {
		if len(v) > 5 && v[:5] == "HOME=" {
			cmd.Env[i] = "HOME=" + a.home
		}
	}
	cmd.Env = append(cmd.Env, "USER="+a.name, "LOGNAME="+a.name)
	cmd.Dir = "/"
}
