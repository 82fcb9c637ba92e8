package vmctl

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// shell is a login shell of the node's user on a pseudoterminal (pty(7)). Its
// goroutines wait for the program, and for the Store's end. The viewer reads the
// terminal itself: a slow one holds the programs up, as a slow terminal does, and
// loses nothing.
type shell struct {
	terminal *os.File // the master's side
	pid      int
	buf      []byte        // Next's own
	done     chan struct{} // closed when the shell was waited for
	once     sync.Once     // closes
}

// hangupGrace is how long a shell may take to end after SIGHUP.
const hangupGrace = 3 * time.Second

func (s *Store) openShell(options fusion.TerminalOptions) (fusion.Terminal, error) {
	terminal, line, err := openTerminal()
	if err != nil {
		return nil, noTerminal(err)
	}
	defer line.Close() // the shell has its own
	sh := &shell{terminal: terminal, buf: make([]byte, fusion.MaxTerminalChunk), done: make(chan struct{})}
	err = sh.Resize(cmp.Or(options.Columns, 80), cmp.Or(options.Rows, 24))
	cmd := loginCommand(cmp.Or(options.Term, "xterm-256color"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = line, line, line
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, noTerminal(errors.Join(err, terminal.Close()))
	}
	sh.pid = cmd.Process.Pid
	return sh, s.holdShell(sh, cmd)
}

// holdShell waits for a shell, which does not outlive the Store.
func (s *Store) holdShell(sh *shell, cmd *exec.Cmd) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := func() {
		_ = cmd.Wait() // how a shell ended is its person's business
		close(sh.done)
	}
	if s.ctx.Err() != nil {
		go wait() // Close waits for it
		return errors.Join(errClosed, sh.Close())
	}
	s.running.Go(wait)
	s.running.Go(func() {
		select {
		case <-s.ctx.Done():
			_ = sh.Close() // nobody hears how it ended
		case <-sh.done:
		}
	})
	return nil
}

func noTerminal(err error) error {
	return &fusion.Error{Op: opConsole, Path: fusion.Self, Cause: err, Detail: "the shell could not be started",
		Hint: "see that /dev/pts is mounted and that your login shell is there"}
}

// openTerminal gives the two sides of a new pseudoterminal.
func openTerminal() (master, line *os.File, err error) {
	// Without blocking, so that Close wakes who reads.
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &fs.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		line, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, master.Close())
	}
	return master, line, nil
}

// carried are the variables of the node that a shell gets; its own files set the
// others, as at any login.
var carried = []string{"PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
	"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "HITHER_HOME"}

// loginCommand is the user's login shell, at the home of the node.
func loginCommand(term string) *exec.Cmd {
	name, home := "", os.Getenv("HOME")
	if who, err := user.Current(); err == nil {
		name, home = who.Username, cmp.Or(home, who.HomeDir)
	}
	program := loginShell(os.Getuid())
	env := []string{"TERM=" + term, "COLORTERM=truecolor", "HOME=" + home, "USER=" + name, "LOGNAME=" + name, "SHELL=" + program}
	for _, key := range carried {
		if value, there := os.LookupEnv(key); there {
			env = append(env, key+"="+value)
		}
	}
	cmd := &exec.Cmd{Path: program, Args: []string{"-" + filepath.Base(program)}, Env: env, Dir: home}
	if info, err := os.Stat(home); err != nil || !info.IsDir() {
		cmd.Dir = "/"
	}
	return cmd
}

// loginShell is the shell of an account (passwd(5)), else that of the node's
// environment: accounts of a directory service are not in the file.
func loginShell(uid int) string {
	if f, err := os.Open("/etc/passwd"); err == nil {
		defer f.Close()
		for in := bufio.NewScanner(f); in.Scan(); {
			fields := strings.Split(in.Text(), ":")
			if len(fields) == 7 && fields[2] == strconv.Itoa(uid) && fields[6] != "" {
				return fields[6]
			}
		}
	}
	return cmp.Or(os.Getenv("SHELL"), "/bin/sh")
}

func (sh *shell) Next() (fusion.TerminalChunk, error) {
	n, err := sh.terminal.Read(sh.buf)
	switch {
	case n > 0:
		return fusion.TerminalChunk{Data: sh.buf[:n]}, nil
	case errors.Is(err, os.ErrClosed):
		return fusion.TerminalChunk{}, io.ErrClosedPipe
	}
	// EIO: nobody has the other side any more.
	return fusion.TerminalChunk{}, &fusion.Error{Op: opConsole, Path: fusion.Self, Cause: io.EOF, Detail: "the shell ended"}
}

func (sh *shell) Write(p []byte) (int, error) {
	n, err := sh.terminal.Write(p)
	if err != nil {
		return n, io.ErrClosedPipe // Next says why
	}
	return n, nil
}

func (sh *shell) Resize(columns, rows int) error {
	if err := fusion.CheckTerminalSize(columns, rows); err != nil || columns == 0 || rows == 0 {
		return err
	}
	raw, err := sh.terminal.SyscallConn()
	if err != nil {
		return err
	}
	size := unix.Winsize{Row: uint16(rows), Col: uint16(columns)}
	var refused error
	err = raw.Control(func(fd uintptr) { refused = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &size) })
	if errors.Is(err, os.ErrClosed) {
		return io.ErrClosedPipe
	}
	return errors.Join(err, refused)
}

func (sh *shell) ViewOnly() bool { return false }

// Close hangs up: the shell, and what runs in its foreground, get SIGHUP. A shell
// that does not listen is killed after a grace.
func (sh *shell) Close() error {
	var err error
	sh.once.Do(func() {
		err = sh.terminal.Close()
		grace := time.NewTimer(hangupGrace)
		defer grace.Stop()
		select {
		case <-sh.done:
			return
		default:
			_ = unix.Kill(-sh.pid, unix.SIGHUP) // it may have ended just now
		}
		select {
		case <-sh.done:
		case <-grace.C:
			_ = unix.Kill(-sh.pid, unix.SIGKILL) // likewise
			<-sh.done
		}
	})
	return err
}
