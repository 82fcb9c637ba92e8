//go:build linux && e2e

package remoteapp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/internal/soundserver"
)

// TestDisplaysHaveTheirOwnSound plays in one app and listens at its display's
// server, another app's, and the session's.
func TestDisplaysHaveTheirOwnSound(t *testing.T) {
	session := soundserver.Start(t)
	t.Setenv("PULSE_SERVER", "unix:"+session.Socket)
	t.Setenv("PULSE_SINK", "out")
	dir := shortDir(t)
	tone := filepath.Join(dir, "tone")
	if err := os.WriteFile(tone, soundserver.Bytes(soundserver.Tone(440, 8000, soundserver.Patience)), 0o644); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "share")
	entry(t, data, "player", "xterm -e pacat --playback --raw --rate=48000 --channels=2 --format=s16le "+tone)
	entry(t, data, "silent", "xterm -e sleep 600")
	s, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "apps"), DataDirs: []string{data}})
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]string{}
	for _, app := range []string{"player", "silent"} {
		screen, err := s.Run(t.Context(), fusion.Self, app, nil)
		if err != nil {
			t.Fatal(err, fusion.Hint(err))
		}
		d, err := s.Display(screen.Name)
		if err != nil || d.Sound.Server == "" {
			t.Fatalf("%+v, %v", d, err)
		}
		sockets[app] = d.Sound.Server
	}
	if level := soundserver.Heard(t, sockets["player"], "hither.monitor", 440, 7000); level > 8400 {
		t.Errorf("the tone has %.0f of 8000", level)
	}
	for what, socket := range map[string]string{"another app's display": sockets["silent"], "the session": session.Socket} {
		if level := soundserver.Now(t, socket, "@DEFAULT_MONITOR@", 440); level > 1 {
			t.Errorf("%s hears %.0f of the app", what, level)
		}
	}
	if level := soundserver.Now(t, sockets["player"], "@DEFAULT_SOURCE@", 440); level > 1 {
		t.Errorf("the microphone hears %.0f of what is played", level)
	}
	if out, err := exec.Command("pactl", "--server=unix:"+sockets["player"], "load-module", "module-null-sink").CombinedOutput(); err == nil {
		t.Errorf("a program of the display may load modules: %s", out)
	}

	// The next node finds the sound of apps that went on.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), Config{Dir: filepath.Join(dir, "apps"), DataDirs: []string{data}}); err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	for _, screen := range s.Screens() {
		d, err := s.Display(screen.Name)
		if err != nil || d.Sound.Server != sockets[screen.App] {
			t.Errorf("%+v, %v", d, err)
		}
	}
	soundserver.Heard(t, sockets["player"], "hither.monitor", 440, 7000)
	for _, screen := range s.Screens() {
		if err := s.End(t.Context(), screen.Name); err != nil {
			t.Error(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "apps", "*.sound")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// entry writes a desktop entry.
func entry(t *testing.T, data, id, command string) {
	t.Helper()
	dir := filepath.Join(data, "applications")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "[Desktop Entry]\nType=Application\nName=" + id + "\nExec=" + command + "\n"
	if err := os.WriteFile(filepath.Join(dir, id+".desktop"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestWithoutASoundServer runs an app where PulseAudio is not installed.
func TestWithoutASoundServer(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "bin")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"Xvfb", "openbox", "xterm", "sh"} {
		where, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(where, filepath.Join(path, program)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", path)
	s := open(t, filepath.Join(dir, "apps"))
	defer shut(t, s)
	screen, err := s.Run(t.Context(), fusion.Self, "debian-xterm", nil)
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	if d, err := s.Display(screen.Name); err != nil || d.Sound.Server != "" {
		t.Errorf("%+v, %v", d, err)
	}
	if env := strings.Join((&server{}).environ(), "\n"); strings.Contains(env, "PIPEWIRE_REMOTE=") {
		t.Error("its programs are led away from the session's sound server")
	}
}
