//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hither/internal/path"
	"hither/internal/slack"
)

// command is a program to start.
type command struct {
	name    string
	args    []string
	display string
	env     []string
	side    *path.Side // whose namespace it runs in; nil: this process's
	out     *os.File   // its standard output; nil: the log
	extra   []*os.File // from fd 3 on
}

// process is a program that the run started.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   string        // a file
	ended chan struct{} // closed when it has ended
}

var lookPath = exec.LookPath

// start runs a program until the house closes. What it says goes to a log in
// the house's directory. Its goroutine waits for the process.
func (h *house) start(c command) (*process, error) {
	cmd := exec.CommandContext(h.ctx, c.name, c.args...)
	log, err := os.Create(filepath.Join(h.dir, fmt.Sprintf("%02d-%s.log", h.logs, filepath.Base(c.name))))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	h.logs++
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, c.extra
	if c.out != nil {
		cmd.Stdout = c.out
	}
	cmd.Env = append(os.Environ(), "DISPLAY="+c.display, "HOME="+h.dir, "XDG_RUNTIME_DIR="+h.dir, "LANG=C.UTF-8",
		// Toolkits start buses of their own otherwise, which outlive them.
		"DBUS_SESSION_BUS_ADDRESS=disabled:", "NO_AT_BRIDGE=1", "GTK_A11Y=none", "GSETTINGS_BACKEND=memory")
	cmd.Env = append(cmd.Env, c.env...)
	// Its children end with it, and it ends even when this program is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
	p := &process{cmd: cmd, log: log.Name(), ended: make(chan struct{})}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	begin := cmd.Start
	if c.side != nil {
		begin = func() error { return c.side.Start(cmd) }
	}
	if err := slack.Usual(begin); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // killed is how it ends
		close(p.ended)
	}()
	h.processes = append(h.processes, p)
	h.onClose(p.kill)
	return p, nil
}

// kill ends a process with its children and waits for it.
func (p *process) kill() error {
	select {
	case <-p.ended: // its number may be another's by now
	default:
		_ = killGroup(p.cmd) // it may just have ended
		<-p.ended
	}
	return nil
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

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
