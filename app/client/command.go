package client

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"hither/app/home"
	"hither/fusion"
)

// Command prepares the program hither with args for the home h, in a session of
// its own, so that it outlives this program. It promises ErrNotFound.
func Command(h home.Home, args ...string) (*exec.Cmd, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	if h.Explicit {
		args = append([]string{"--home", h.Dir}, args...)
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = detached()
	return cmd, nil
}

// program finds hither beside this program, else in PATH.
func program() (string, error) {
	name := "hither"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	found, err := exec.LookPath(name)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return "", &fusion.Error{Op: "node", Cause: fusion.ErrNotFound, Detail: "the program hither is not installed",
			Hint: "put hither beside this program or into PATH"}
	}
	return found, nil
}
