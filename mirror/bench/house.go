//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// house holds everything a run started, and ends it in reverse.
type house struct {
	ctx     context.Context
	dir     string
	closers []func() error
}

func newHouse(ctx context.Context) (*house, error) {
	dir, err := os.MkdirTemp("", "hither-bench-")
	if err != nil {
		return nil, err
	}
	h := &house{ctx: ctx, dir: dir}
	h.onClose(func() error { return os.RemoveAll(dir) })
	return h, nil
}

func (h *house) onClose(f func() error) { h.closers = append(h.closers, f) }

func (h *house) close() error {
	var errs []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		errs = append(errs, h.closers[i]())
	}
	return errors.Join(errs...)
}

// process is a program that the run started.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// start runs a program until the house closes. What it says on standard error
// goes to a log in the run's directory, and its last lines into the error when
// something fails. out, if not nil, gets its standard output.
func (h *house) start(display string, out *os.File, extra []*os.File, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(h.ctx, name, args...)
	log, err := os.Create(filepath.Join(h.dir, fmt.Sprintf("%02d-%s.log", len(h.closers), filepath.Base(name))))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, extra
	if out != nil {
		cmd.Stdout = out
	}
	cmd.Env = append(os.Environ(), "DISPLAY="+display, "HOME="+h.dir, "LANG=C.UTF-8")
	// It goes even when this program is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h.onClose(func() error {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()         // killed is how it ends
		return nil
	})
	return &process{cmd, stdin}, nil
}

// startReading runs a program and gives its standard output (fd 1) or the pipe
// it has as fd 3, line by line.
func (h *house) startReading(display string, fd int, name string, args ...string) (*process, *bufio.Scanner, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	h.onClose(r.Close)
	var p *process
	if fd == 1 {
		p, err = h.start(display, w, nil, name, args...)
	} else {
		p, err = h.start(display, nil, []*os.File{w}, name, args...)
	}
	return p, bufio.NewScanner(r), err
}

// self starts this program as one of its parts.
func (h *house) self(display string, args ...string) (*process, *bufio.Scanner, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return h.startReading(display, 1, exe, args...)
}

// startX starts an X server that writes its display's number to fd 3.
func (h *house) startX(name string, args ...string) (*process, string, error) {
	p, lines, err := h.startReading("", 3, name, append([]string{"-displayfd", "3"}, args...)...)
	if err != nil {
		return nil, "", err
	}
	if !lines.Scan() {
		return nil, "", fmt.Errorf("%s gave no display: %s", name, h.lastWords())
	}
	return p, ":" + strings.TrimSpace(lines.Text()), nil
}

// lastWords gives the end of the newest log.
func (h *house) lastWords() string {
	logs, err := filepath.Glob(filepath.Join(h.dir, "*.log"))
	if err != nil || len(logs) == 0 {
		return ""
	}
	text, err := os.ReadFile(logs[len(logs)-1])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text[max(0, len(text)-500):]))
}

// startApp starts the app under test on a display.
func (h *house) startApp(display string) (*app, error) {
	p, lines, err := h.self(display, "app", display)
	if err != nil {
		return nil, err
	}
	a := &app{p, lines}
	if _, err := a.answer(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, h.lastWords())
	}
	return a, nil
}

// needPrograms says at once what is missing.
func needPrograms(peers []string) error {
	programs := []string{"Xvfb", "openbox"}
	for _, name := range peers {
		if strings.HasPrefix(name, "tigervnc") {
			programs = append(programs, "Xtigervnc", "xtigervncviewer")
		}
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return &fusion.Error{Op: "bench", Path: program, Cause: fusion.ErrNotFound, Hint: "run build/deps.sh bench"}
		}
	}
	return nil
}

// cpuOf gives the CPU time that processes have used, from their own clocks:
// what /proc/PID/stat says is counted in ticks, which work that is done in step
// with a timer falls between.
func cpuOf(processes []*process) time.Duration {
	var sum time.Duration
	for _, p := range processes {
		const processClock = 2 // CPUCLOCK_SCHED of a whole process, see clock_getcpuclockid(3)
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|processClock), &t); err == nil {
			sum += time.Duration(t.Nano())
		}
	}
	return sum
}
