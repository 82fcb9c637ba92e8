//go:build e2e && linux

package vmctl

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	systems "hither/internal/guest"
)

// talking makes a machine whose guest answers on its serial port.
func talking(t *testing.T, s *Store, config Config, name string) fusion.Machine {
	t.Helper()
	systems.Talker(t, filepath.Join(config.pool(), "talk.img"), 4<<20)
	return must(s.Create(t.Context(), fusion.MachineSpec{Name: name, MemoryBytes: 64 << 20, Image: "talk.img"}))(t)
}

func say(t *testing.T, term fusion.Terminal, text string) {
	t.Helper()
	if _, err := term.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// awake types until the guest answers: what is typed before it listens is lost.
func awake(t *testing.T, term fusion.Terminal) {
	t.Helper()
	typing(term, func() { reads(t, term, "got: ping") })
}

// typing types a line again and again until done returns, which sees what went wrong.
func typing(to io.Writer, done func()) {
	stop := make(chan struct{})
	var hand sync.WaitGroup
	hand.Go(func() {
		for {
			select {
			case <-time.After(300 * time.Millisecond):
				_, _ = io.WriteString(to, "ping\r")
			case <-stop:
				return
			}
		}
	})
	defer hand.Wait()
	defer close(stop)
	done()
}

func TestSerialConsole(t *testing.T) {
	s, config := stage(t, "private")
	ctx, events := t.Context(), watch(t, s)
	talking(t, s, config, "talks")
	_, err := s.Terminals().Open(ctx, "talks", fusion.TerminalOptions{})
	refused(t, err, fusion.ErrInvalid)
	ok(t, s.Do(ctx, "talks", fusion.Start))
	events.await(t, "talks running")

	first := openConsole(t, s, "talks", fusion.TerminalOptions{})
	awake(t, first)
	say(t, first, "hello\r")
	reads(t, first, "got: hello\r\n")

	// A second viewer sees the backlog, types too, and both see it.
	second := openConsole(t, s, "talks", fusion.TerminalOptions{})
	reads(t, second, "got: hello\r\n")
	say(t, second, "second\r")
	reads(t, first, "got: second\r\n")
	reads(t, second, "got: second\r\n")
	if out, err := exec.Command("timeout", "20", "script", "-qec", "virsh -c '"+s.URI()+"' console talks", "/dev/null").CombinedOutput(); err == nil || !strings.Contains(string(out), "Active console session") {
		t.Errorf("virsh is let in too: %v: %s", err, out)
	}

	// The guest restarts: QEMU and the console go on.
	say(t, first, "!\r")
	reads(t, first, "boot\r\n")
	reads(t, second, "boot\r\n")
	say(t, second, "again\r")
	reads(t, first, "got: again\r\n")
	ok(t, second.Close())

	// More than the backlog at once: nobody waits, and the guest is not held up.
	third := openConsole(t, s, "talks", fusion.TerminalOptions{ViewOnly: true})
	say(t, first, "*\r")
	reads(t, first, "got: *\r\n")
	if all, skipped := reads(t, third, "got: *\r\n"); skipped == 0 {
		t.Errorf("a viewer got %d bytes and %d skipped", len(all), skipped)
	}

	// libvirtd dies: the console waits and goes on.
	ok(t, syscall.Kill(daemonPID(t, config), syscall.SIGKILL))
	events.await(t, "talks failed")
	events.await(t, "talks running")
	awake(t, first)

	ok(t, s.Do(ctx, "talks", fusion.ForceOff))
	for _, term := range []fusion.Terminal{first, third} {
		if why := endOf(t, term); why.Cause != io.EOF || why.Detail != "the machine is off" {
			t.Errorf("it ended with %v", why)
		}
	}
	events.await(t, "talks off")

	// The next start has a console of its own.
	ok(t, s.Do(ctx, "talks", fusion.Start))
	events.await(t, "talks running")
	anew := openConsole(t, s, "talks", fusion.TerminalOptions{})
	awake(t, anew)
}

// TestConsoleHeldByAnother: virsh has it, and once virsh is gone we do.
func TestConsoleHeldByAnother(t *testing.T) {
	s, config := stage(t, "private")
	talking(t, s, config, "talks")
	ok(t, s.Do(t.Context(), "talks", fusion.Start))
	virsh := exec.Command("script", "-qec", "virsh -c '"+s.URI()+"' console talks", "/dev/null")
	in := must(virsh.StdinPipe())(t)
	out := must(virsh.StdoutPipe())(t)
	ok(t, virsh.Start())
	typing(in, func() { // it says that it is connected before it is
		buf := make([]byte, 4096)
		for all := ""; !strings.Contains(all, "got: ping"); {
			n, err := out.Read(buf)
			if err != nil {
				t.Errorf("virsh says %q, then %v", all, err)
				return
			}
			all += string(buf[:n])
		}
	})
	_, err := s.Terminals().Open(t.Context(), "talks", fusion.TerminalOptions{})
	refused(t, err, fusion.ErrBusy)
	ok(t, in.Close())
	ok(t, virsh.Process.Kill())
	_ = virsh.Wait() // it was killed
	eventually(t, "libvirt lets it go", func() bool {
		term, err := s.Terminals().Open(t.Context(), "talks", fusion.TerminalOptions{})
		if err != nil {
			return false
		}
		ok(t, term.Close())
		return true
	})
}
