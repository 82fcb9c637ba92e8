//go:build e2e

package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/guest"
)

// untilText reads a terminal until want has come.
func untilText(t *testing.T, term fusion.Terminal, want string) {
	t.Helper()
	cut := time.AfterFunc(patience, func() { _ = term.Close() })
	defer cut.Stop()
	for all := ""; !strings.Contains(all, want); {
		chunk, err := term.Next()
		if err != nil {
			t.Fatalf("%q did not come, only %q: %v", want, all, err)
		}
		all += string(chunk.Data)
	}
}

// TestConsoleOfAnotherComputer: two computers look at one serial console over a
// real connection, and one of them loses the permission.
func TestConsoleOfAnotherComputer(t *testing.T) {
	t.Setenv("DISPLAY", "")
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	far, near := resolved(t, here, "cloud"), resolved(t, cloud, "")

	path := filepath.Join(t.TempDir(), "talk.img")
	guest.Talker(t, path, 4<<20)
	image, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if err := far.Machines().Upload(t.Context(), "talk.img", 4<<20, image); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Machines().Create(t.Context(), fusion.MachineSpec{Name: "talks", MemoryBytes: 64 << 20, Image: "talk.img", Start: true}); err != nil {
		t.Fatal(err)
	}
	open := func(host fusion.Host) fusion.Terminal {
		t.Helper()
		term, err := host.Terminals().Open(t.Context(), "talks", fusion.TerminalOptions{Columns: 80, Rows: 24})
		if err != nil {
			t.Fatalf("%v (%s)", err, fusion.Hint(err))
		}
		t.Cleanup(func() { _ = term.Close() }) // it may have ended
		return term
	}
	remote, local := open(far), open(near)
	untilText(t, remote, "boot\r\n") // it was opened before the guest began
	var times []time.Duration
	for range 10 {
		start := time.Now()
		if _, err := remote.Write([]byte("hello\r")); err != nil {
			t.Fatal(err)
		}
		untilText(t, remote, "got: hello\r\n")
		times = append(times, time.Since(start).Round(time.Millisecond))
	}
	t.Logf("a line was answered after %v", times)
	untilText(t, local, "got: hello\r\n")

	// A shell of the other computer, which runs as this test's user.
	t.Setenv("HOME", t.TempDir()) // a shell without what somebody's files in their home start
	shell, err := far.Terminals().Open(t.Context(), fusion.Self, fusion.TerminalOptions{Columns: 100, Rows: 40})
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	if _, err := shell.Write([]byte("stty size\n")); err != nil {
		t.Fatal(err)
	}
	untilText(t, shell, "40 100")

	if _, err := cloud.Grant(t.Context(), here.network.ID(), fusion.Whole(fusion.FilesCap)); err != nil {
		t.Fatal(err)
	}
	for what, term := range map[string]fusion.Terminal{"console": remote, "shell": shell} {
		for err == nil {
			_, err = term.Next()
		}
		if !errors.Is(err, fusion.ErrPermission) {
			t.Errorf("the %s ended with %v", what, err)
		}
		err = nil
	}
	if _, err := local.Write([]byte("still\r")); err != nil {
		t.Error(err)
	}
	untilText(t, local, "got: still\r\n")
}
