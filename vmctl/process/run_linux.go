package process

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// RunBound runs a program that ends when this process does, also by SIGKILL, and
// that makes no file longer than most bytes.
func RunBound(cmd *exec.Cmd, most int64) error {
	return RunHere(cmd, func(pid int) error {
		limit := unix.Rlimit{Cur: uint64(most), Max: uint64(most)}
		err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil)
		if errors.Is(err, unix.ESRCH) {
			return nil // it has ended
		}
		return err
	})
}

// RunHere runs a program that ends when this process does, also by SIGKILL. It is
// killed when started fails, which is called once it runs.
func RunHere(cmd *exec.Cmd, started func(pid int) error) error {
	// The kernel sends Pdeathsig when the thread that started the program ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	err := started(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill() // it may have ended
	}
	return errors.Join(err, cmd.Wait())
}

// TooLarge says whether a program ended because its file became too long.
func TooLarge(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGXFSZ
}
