package vmctl

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"hither/fusion"
)

func openSelf(t *testing.T, s *Store, options fusion.TerminalOptions) fusion.Terminal {
	t.Helper()
	// A shell without what somebody's files in their home start.
	t.Setenv("HOME", t.TempDir())
	term := must(s.Terminals().Open(t.Context(), fusion.Self, options))(t)
	t.Cleanup(func() { ok(t, term.Close()) })
	return term
}

func TestShell(t *testing.T) {
	s := store(t, newFake())
	term := openSelf(t, s, fusion.TerminalOptions{Columns: 123, Rows: 45, Term: "vt220"})
	say := func(text string) {
		t.Helper()
		if _, err := term.Write([]byte(text + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	say(`stty size; echo "term=$TERM tty=$(tty)"; ps -o tpgid= -p $$ >/dev/null && echo job''=control`)
	all, _ := reads(t, term, "job=control\r\n")
	for _, want := range []string{"45 123", "term=vt220", "tty=/dev/pts/"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in %q", want, all)
		}
	}
	ok(t, term.Resize(77, 11))
	say("stty size")
	reads(t, term, "11 77")
	say("exec sh -c 'exit 3'")
	if why := endOf(t, term); why.Detail != "the shell ended" {
		t.Errorf("it ended with %v", why)
	}
}

// TestShellEndsWithItsViewer: what runs in the foreground gets SIGHUP, also a
// shell that does not listen ends.
func TestShellEndsWithItsViewer(t *testing.T) {
	s := store(t, newFake())
	for _, script := range []string{"sleep 3600", "trap '' HUP; while :; do sleep 1; done"} {
		term := openSelf(t, s, fusion.TerminalOptions{})
		pid := term.(*shell).pid
		if _, err := term.Write([]byte("echo be''gin; " + script + "\n")); err != nil {
			t.Fatal(err)
		}
		reads(t, term, "begin\r\n")
		ok(t, term.Close())
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("%s: the shell is still there: %v", script, err)
		}
	}
}

func TestShellsEndWithTheStore(t *testing.T) {
	f := newFake()
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "fake:///", open: f.open}))(t)
	t.Setenv("HOME", t.TempDir())
	term := must(s.Terminals().Open(t.Context(), fusion.Self, fusion.TerminalOptions{}))(t)
	closeStore(t, s)
	if err := syscall.Kill(term.(*shell).pid, 0); err != syscall.ESRCH {
		t.Errorf("the shell is still there: %v", err)
	}
	ok(t, term.Close())
}

func TestLoginShell(t *testing.T) {
	if got := loginShell(0); got == "" || got[0] != '/' {
		t.Errorf("root's shell is %q", got)
	}
	t.Setenv("SHELL", "/bin/odd")
	if got := loginShell(4_000_000); got != "/bin/odd" {
		t.Errorf("an account that is not in the file has %q", got)
	}
	cmd := loginCommand("xterm")
	if cmd.Args[0][0] != '-' || cmd.Dir == "" {
		t.Errorf("%+v", cmd)
	}
	if _, err := os.Stat(cmd.Path); err != nil {
		t.Error(err)
	}
}
