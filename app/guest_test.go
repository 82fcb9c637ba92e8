package app

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
)

// here runs a guest's programs on this computer: the scripts are real.
func here(ctx context.Context, _ string, argv []string) ([]byte, int, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		return nil, 0, err
	}
	return out, cmd.ProcessState.ExitCode(), nil
}

func TestGuestMenu(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.desktop":      "[Desktop Entry]\nType=Application\nName=Beta\nName[zh_CN]=乙\nExec=beta\nX-Long=1\n",
		"a.desktop":      "[Desktop Entry]\nType=Application\nName=alpha\nExec=alpha %U\nCategories=Utility;\n[Desktop Action x]\nName=no\nExec=no\n",
		"hidden.desktop": "[Desktop Entry]\nType=Application\nName=Hidden\nExec=x\nNoDisplay=true\n",
		"broken.desktop": "not an entry\n",
		"evil\n.desktop": "[Desktop Entry]\nType=Application\nName=Evil\nExec=x\n",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "applications"), 0o755), os.WriteFile(filepath.Join(dir, "applications", name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	g := guests{run: here, dirs: []string{filepath.Join(dir, "none"), dir, dir}}
	for language, want := range map[string]string{"": "a alpha, b Beta", "zh-CN": "a alpha, b 乙"} {
		list, err := g.List(t.Context(), "vm", language)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range list {
			got = append(got, a.ID+" "+a.Name)
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%q: %s, want %s", language, text, want)
		}
	}
	if _, err := g.Run(t.Context(), "vm", "none", nil); !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
		t.Errorf("an app that is not there: %v", err)
	}
	if _, err := g.Run(t.Context(), "vm", "a", []string{"/etc/hosts"}); !errors.Is(err, fusion.ErrUnsupported) || fusion.Hint(err) == "" {
		t.Errorf("with a file: %v", err)
	}
}

// The launch finds the session of a display by the environment of its processes.
func TestGuestLaunch(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	session := exec.Command("sleep", "60")
	session.Env = []string{"DISPLAY=:97531.0", "XAUTHORITY=/x/auth", "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if err := session.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = session.Process.Kill()
		_ = session.Wait() // it was killed
	}()
	pipe := filepath.Join(dir, "pipe")
	if text, err := exec.Command("mkfifo", pipe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	launch := func(display, program string) int {
		_, code, err := here(t.Context(), "vm", []string{"/bin/sh", "-c", runScript, "sh", display, program, "-c", `env > "$0"; echo "$1" > "$2"`, out, "a b", pipe})
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	if code := launch(":97532", "sh"); code != 3 {
		t.Errorf("without a session: %d", code)
	}
	if code := launch(":97531", "no-such-program"); code != 127 {
		t.Errorf("a program that is not there: %d", code)
	}
	if code := launch(":97531", "sh"); code != 0 {
		t.Fatalf("exit %d", code)
	}
	said, err := os.ReadFile(pipe) // waits for the program
	if err != nil || string(said) != "a b\n" {
		t.Errorf("said %q, %v", said, err)
	}
	env, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DISPLAY=:97531\n", "XAUTHORITY=/x/auth\n", "HOME=" + dir + "\n"} {
		if !strings.Contains(string(env), want) {
			t.Errorf("no %q in\n%s", want, env)
		}
	}
}

func FuzzParseGuest(f *testing.F) {
	f.Add([]byte("\x1ea.desktop\x1f[Desktop Entry]\nType=Application\nName=A\nExec=a\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		for _, e := range parseGuest(out) {
			if fusion.CheckName(e.ID) != nil || e.Name("") == "" {
				t.Errorf("%q gives %+v", out, e)
			}
		}
	})
}

// TestAppsAreInstalledYet: while a machine's first start installs its apps, that is why they
// cannot be listed.
func TestAppsAreInstalledYet(t *testing.T) {
	none := &fusion.Error{Op: "machine.agent", Cause: fusion.ErrUnsupported, Detail: "no guest agent answers in it"}
	m := fusion.Machine{Name: "web", Installing: []string{"firefox"}}
	if err := stillInstalling(m, none); !errors.Is(err, fusion.ErrBusy) || fusion.Hint(err) == "" {
		t.Errorf("while they are installed: %v", err)
	}
	if err := stillInstalling(fusion.Machine{Name: "web"}, none); !errors.Is(err, fusion.ErrUnsupported) {
		t.Errorf("when there are none: %v", err)
	}
	if err := stillInstalling(m, nil); err != nil {
		t.Errorf("when they are listed: %v", err)
	}
}
