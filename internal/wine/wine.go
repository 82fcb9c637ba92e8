// Package wine runs Windows programs for tests: each test has a Windows of its
// own, by wine, on an X display, which ends with the test. What works there has
// been tried; that it works on Windows itself is another matter.
//
// It needs wine and, for what Go's runtime wants and wine before 9 lacks, a C
// compiler for Windows (build/deps.sh wine); tests that use it have the tag
// wine.
package wine

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed testdata/bcryptprimitives.c
var primitives []byte

// Windows is a Windows.
type Windows struct {
	t   testing.TB
	env []string
}

// Start makes one whose programs show on an X display. It takes half a minute.
func Start(t testing.TB, display string) *Windows {
	t.Helper()
	prefix, err := os.MkdirTemp("/tmp", "hither-wine-")
	if err != nil {
		t.Fatal(err)
	}
	w := &Windows{t: t, env: append(os.Environ(), "WINEPREFIX="+prefix, "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=",
		"DISPLAY="+display, "HOME="+prefix)}
	t.Cleanup(func() {
		kill := exec.Command("wineserver", "-k", "-w") // it waits until all programs have ended
		kill.Env = w.env
		_ = kill.Run() // there may be none
		if err := os.RemoveAll(prefix); err != nil {
			t.Error(err)
		}
	})
	w.tool("wineboot", "-i")
	source := filepath.Join(prefix, "bcryptprimitives.c")
	if err := os.WriteFile(source, primitives, 0o600); err != nil {
		t.Fatal(err)
	}
	w.tool("x86_64-w64-mingw32-gcc", "-shared", "-o", filepath.Join(prefix, "drive_c/windows/system32/bcryptprimitives.dll"),
		source, "-ladvapi32")
	return w
}

func (w *Windows) tool(name string, args ...string) {
	w.t.Helper()
	if err := w.command(name, args...).Run(); err != nil {
		w.t.Fatalf("%s %q: %v (run build/deps.sh wine)", name, args, err)
	}
}

// command prepares a program. What it says is shown if the test fails; it goes
// to a file, as wine's services keep it open for longer than the program runs.
func (w *Windows) command(name string, args ...string) *exec.Cmd {
	w.t.Helper()
	said, err := os.CreateTemp(w.t.TempDir(), "said")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		text, err := os.ReadFile(said.Name())
		if w.t.Failed() {
			w.t.Logf("%s %q said (%v):\n%s", name, args, err, text)
		}
		_ = said.Close() // others wrote it
	})
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = w.env, said, said
	return cmd
}

// Test prepares one test of the package in the working directory as a program
// of Windows.
func (w *Windows) Test(name string, env ...string) *exec.Cmd {
	w.t.Helper()
	exe := filepath.Join(w.t.TempDir(), "test.exe")
	build := exec.Command("go", "test", "-c", "-o", exe, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("build for Windows: %v\n%s", err, out)
	}
	cmd := w.command("wine", exe, "-test.run", "^"+name+"$", "-test.v")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}
