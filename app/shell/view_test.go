//go:build unix

package shell

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
)

// fakeProgram puts a script in the place of hither.
func fakeProgram(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hither"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestOpenWindowGivesTheReason(t *testing.T) {
	fakeProgram(t, `echo "hither: nas/vm: offline" >&2; echo "hint: wake it" >&2; exit 5`)
	b, _ := startedBridge(t, testHome(t))
	err := b.OpenWindow("nas/vm")
	if err == nil || err.Error() != "nas/vm: offline" || fusion.Hint(err) != "wake it" {
		t.Fatalf("OpenWindow = %v, hint %q", err, fusion.Hint(err))
	}
}

func TestOpenWindowPassesTheAddress(t *testing.T) {
	h := testHome(t)
	fakeProgram(t, `echo "$@" > "$2/args"`)
	b, _ := startedBridge(t, h)
	if err := b.OpenWindow("nas/self/xterm"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(h.Sub("args"))
	if want := "--home " + h.Dir + " view -- nas/self/xterm"; err != nil || strings.TrimSpace(string(got)) != want {
		t.Fatalf("hither was called with %q, %v; want %q", got, err, want)
	}
}

func TestOpenWindowRefusesWhatIsNoAddress(t *testing.T) {
	b, _ := startedBridge(t, testHome(t))
	for _, address := range []string{"", "--help", "a/b/c/d", "../x", "a b"} {
		if err := b.OpenWindow(address); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("OpenWindow(%q) = %v, want ErrInvalid", address, err)
		}
	}
}
