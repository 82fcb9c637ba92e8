package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hither/internal/slack"
)

// ID names one process for good: a PID alone may be used again.
type ID struct {
	PID int `json:"pid"`
	// Start is when it began, in clock ticks since boot (proc(5), stat field 22).
	Start uint64 `json:"start"`
	// Boot is the boot that Start counts from.
	Boot string `json:"boot"`
}

// Start runs cmd in a session of its own, so that it survives the node, and lets
// go of it: wait for it with Done, never with cmd.Wait.
func Start(cmd *exec.Cmd) (ID, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := slack.Usual(cmd.Start); err != nil {
		return ID{}, err
	}
	id, err := Find(cmd.Process.Pid)
	if err != nil {
		return ID{}, err
	}
	return id, cmd.Process.Release()
}

// Find gives the ID of the process that has a PID now.
func Find(pid int) (ID, error) {
	s, err := readStat(pid)
	if err != nil {
		return ID{}, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ID{}, err
	}
	return ID{PID: pid, Start: s.start, Boot: string(bytes.TrimSpace(boot))}, nil
}

// Alive says whether the process still runs; one that ended and waits to be
// collected does not.
func (id ID) Alive() bool {
	if id.PID <= 0 {
		return false
	}
	now, err := Find(id.PID)
	if err != nil || now != id {
		return false
	}
	s, err := readStat(id.PID)
	return err == nil && s.state != 'Z' && s.state != 'X'
}

// Done returns nil once the process has ended, or ctx's error.
func (id ID) Done(ctx context.Context) error {
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if err != nil || !id.Alive() {
		if err == nil {
			_ = unix.Close(fd) // nothing was written to it
		}
		id.collect()
		return nil
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 && err == nil
	})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	id.collect()
	return err
}

// Signal sends a signal unless the process is gone.
func (id ID) Signal(signal syscall.Signal) {
	if !id.Alive() {
		return
	}
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err != nil {
		return // gone between the two
	}
	defer unix.Close(fd)
	if id.Alive() { // the descriptor is of the process that was meant
		_ = unix.PidfdSendSignal(fd, signal, nil, 0) // gone or a zombie: the same to us
	}
}

// collect takes the exit status of a child that ended. After a restart it is
// nobody's child of ours, and init does it.
func (id ID) collect() {
	var status unix.WaitStatus
	_, _ = unix.Wait4(id.PID, &status, unix.WNOHANG, nil) // ECHILD: not ours to collect
}

// Marked finds the live processes whose environment has an entry that begins
// with mark ("NAME=value"), and those in the session of one of leaders. The
// calling process is never among them.
func Marked(mark string, leaders ...ID) []ID {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []ID
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if !hasMark(pid, mark) && !inSession(pid, leaders) {
			continue
		}
		if id, err := Find(pid); err == nil && id.Alive() {
			found = append(found, id)
		}
	}
	return found
}

func hasMark(pid int, mark string) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false // not ours, or gone
	}
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.HasPrefix(entry, []byte(mark)) {
			return true
		}
	}
	return false
}

// inSession is for programs that overwrite their environment (Chromium's title
// does). A session's number is not given out again while a member lives; if a
// process has it now, it must be the leader that was started.
func inSession(pid int, leaders []ID) bool {
	s, err := readStat(pid)
	if err != nil {
		return false
	}
	for _, leader := range leaders {
		if leader.PID <= 0 || s.session != leader.PID || s.start < leader.Start {
			continue
		}
		now, err := Find(leader.PID)
		if err != nil || now == leader {
			return true
		}
	}
	return false
}

// End signals what find gives (SIGTERM), and after grace kills it (SIGKILL). It
// returns when find gives nothing more, or ctx ends.
func End(ctx context.Context, grace time.Duration, find func() []ID) error {
	seen := map[ID]bool{}
	deadline := time.Now().Add(grace)
	for {
		live := find()
		if len(live) == 0 {
			for id := range seen {
				id.collect()
			}
			return nil
		}
		for _, id := range live {
			switch {
			case time.Now().After(deadline):
				id.Signal(unix.SIGKILL)
			case !seen[id]:
				id.Signal(unix.SIGTERM)
			}
			seen[id] = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond): // ends are not events for processes of others
		}
	}
}

type stat struct {
	state   byte
	session int
	start   uint64
}

func readStat(pid int) (stat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(data))
}

// parseStat reads proc(5) stat. The name may hold blanks and parentheses.
func parseStat(text string) (stat, error) {
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:])
	if end < 0 || len(fields) < 20 || len(fields[0]) != 1 {
		return stat{}, fmt.Errorf("stat: %q", text)
	}
	session, err := strconv.Atoi(fields[3])
	if err != nil {
		return stat{}, err
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return stat{}, err
	}
	return stat{state: fields[0][0], session: session, start: start}, nil
}
