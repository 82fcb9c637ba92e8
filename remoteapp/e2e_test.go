//go:build e2e

package remoteapp

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/remoteapp/process"
	"hither/remoteapp/x11"
)

// patience bounds every wait on a loaded machine.
const patience = 60 * time.Second

func open(t *testing.T, dir string) *Store {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := Open(t.Context(), Config{Dir: dir, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shut ends everything and checks that no process is left.
func shut(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(s.EndAll(ctx), s.Close()); err != nil {
		t.Error(err)
	}
	if left := process.Marked(displayMark + s.cfg.Dir + "/"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// shortDir is a directory whose sockets have short paths.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "remoteapp-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func dial(t *testing.T, d Display) *x11.Conn {
	t.Helper()
	conn, err := x11.Dial(t.Context(), d.Name, d.Xauthority)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// fills says whether the only window is as large as the display.
func fills(t *testing.T, conn *x11.Conn) bool {
	t.Helper()
	clients, err := conn.Clients()
	if err != nil {
		t.Fatal(err)
	}
	w, h, err := conn.Size(conn.Root)
	if err != nil {
		t.Fatal(err)
	}
	return len(clients) == 1 && clients[0].Width == w && clients[0].Height == h
}

// shrink does what the restore button of a title bar does.
func shrink(t *testing.T, conn *x11.Conn) {
	t.Helper()
	clients, err := conn.Clients()
	if err != nil || len(clients) != 1 {
		t.Fatal(clients, err)
	}
	if err := conn.Unmaximise(clients[0].Window); err != nil {
		t.Fatal(err)
	}
}

type told struct {
	screen  fusion.Screen
	removed bool
}

// watch collects the changes until the test ends.
func watch(t *testing.T, s *Store) <-chan told {
	t.Helper()
	events := make(chan told, 100)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Watch(ctx, func(screen fusion.Screen, removed bool) { events <- told{screen, removed} })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return events
}

func awaitRemoved(t *testing.T, events <-chan told, name string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-events:
			if e.removed && e.screen.Name == name {
				return
			}
		case <-deadline:
			t.Fatalf("%s was not removed", name)
		}
	}
}

func TestRunShowsOneWindow(t *testing.T) {
	s := open(t, shortDir(t))
	defer shut(t, s)
	events := watch(t, s)
	for app, title := range map[string]string{"xcalc": "Calculator", "debian-xterm": ""} {
		screen, err := s.Run(t.Context(), fusion.Self, app, nil)
		if err != nil {
			t.Fatal(err, fusion.Hint(err))
		}
		t.Logf("%+v", screen)
		if screen.App != app || screen.Title == "" || title != "" && screen.Title != title {
			t.Errorf("screen %+v", screen)
		}
		d, err := s.Display(screen.Name)
		if err != nil {
			t.Fatal(err)
		}
		conn := dial(t, d)
		until(t, "window fills its display", func() bool { return fills(t, conn) })
		w, h, err := conn.Size(conn.Root)
		if err != nil || w != screen.Width || h != screen.Height || w == startWidth {
			t.Errorf("display %dx%d, screen %dx%d, %v", w, h, screen.Width, screen.Height, err)
		}
		if err := s.Resize(t.Context(), screen.Name, 900, 700); err != nil {
			t.Error(err)
		}
		until(t, "window fills the larger display", func() bool {
			w, h, err := conn.Size(conn.Root)
			return err == nil && w == 900 && h == 700 && fills(t, conn)
		})
		until(t, "new size told", func() bool {
			return len(s.Screens()) == 1 && s.Screens()[0].Width == 900
		})
		shrink(t, conn)
		until(t, "window fills the display again", func() bool { return fills(t, conn) })
		if err := s.End(t.Context(), screen.Name); err != nil {
			t.Error(err)
		}
		awaitRemoved(t, events, screen.Name)
		if err := s.End(t.Context(), screen.Name); !errors.Is(err, fusion.ErrNotFound) {
			t.Errorf("ended twice: %v", err)
		}
	}
}

func TestAppEndsByItself(t *testing.T) {
	s := open(t, shortDir(t))
	defer shut(t, s)
	events := watch(t, s)
	for name, end := range map[string]func(*instance){
		"closed": func(i *instance) {
			conn := dial(t, i.display())
			clients, err := conn.Clients()
			if err != nil || len(clients) != 1 {
				t.Fatal(clients, err)
			}
			if err := conn.CloseWindow(clients[0].Window); err != nil {
				t.Fatal(err)
			}
		},
		"killed":        func(i *instance) { i.Process.Signal(syscall.SIGKILL) },
		"server killed": func(i *instance) { i.Server.Signal(syscall.SIGKILL) },
	} {
		screen, err := s.Run(t.Context(), fusion.Self, "xterm", nil)
		if err != nil {
			t.Fatal(name, err)
		}
		i, err := s.find("", screen.Name)
		if err != nil {
			t.Fatal(err)
		}
		end(i)
		awaitRemoved(t, events, screen.Name)
		if left := process.Marked(displayMark + i.mark()); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
		if _, err := os.Stat(i.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: directory left: %v", name, err)
		}
	}
}

func TestRestartAdopts(t *testing.T) {
	dir := shortDir(t)
	s := open(t, dir)
	keep, err := s.Run(t.Context(), fusion.Self, "xcalc", nil)
	if err != nil {
		t.Fatal(err)
	}
	lose, err := s.Run(t.Context(), fusion.Self, "xclock", nil)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := s.find("", lose.Name)
	if err != nil {
		t.Fatal(err)
	}
	desktop, err := s.Desktop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: dir}); !errors.Is(err, fusion.ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	lost.Process.Signal(syscall.SIGKILL)
	until(t, "killed", func() bool { return !lost.Process.Alive() })

	s = open(t, dir)
	defer shut(t, s)
	if got := s.Screens(); len(got) != 1 || got[0] != keep {
		t.Errorf("screens %+v, want %+v", got, keep)
	}
	if left := process.Marked(displayMark + lost.mark()); len(left) > 0 {
		t.Errorf("left of the dead app: %v", left)
	}
	again, err := s.Desktop(t.Context())
	if err != nil || again != desktop {
		t.Errorf("desktop %v, then %v, %v", desktop, again, err)
	}
	dial(t, again)
	if err := s.End(t.Context(), keep.Name); err != nil {
		t.Error(err)
	}
}

func TestStraysEnd(t *testing.T) {
	dir := shortDir(t)
	s := open(t, dir)
	if _, err := s.Run(t.Context(), fusion.Self, "xclock", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.statePath(), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer shut(t, s)
	if left := process.Marked(displayMark + dir + "/"); len(left) > 0 {
		t.Errorf("strays: %v", left)
	}
}

// TestLaunchers: programs that leave the work to a child, or show nothing.
func TestLaunchers(t *testing.T) {
	dir := shortDir(t)
	data := filepath.Join(dir, "data", "applications")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{
		"forks":  `sh -c "setsid xclock & exit 0"`,
		"silent": `sh -c "echo no such thing >&2; exit 3"`,
		"stays":  `sh -c "echo waiting >&2; exec sleep 1000"`,
		"tool":   `sh -c "sleep 1000"`,
	} {
		text := "[Desktop Entry]\nType=Application\nName=" + name + "\nExec=" + line + "\n"
		if name == "tool" {
			text += "Terminal=true\n"
		}
		if err := os.WriteFile(filepath.Join(data, name+".desktop"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "s"), DataDirs: []string{filepath.Join(dir, "data")}, MaxApps: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)

	_, err = s.Run(t.Context(), fusion.Self, "silent", nil)
	if err == nil || !strings.Contains(err.Error(), "no such thing") || fusion.Hint(err) == "" {
		t.Errorf("silent: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	_, err = s.Run(ctx, fusion.Self, "stays", nil)
	cancel()
	if err == nil {
		t.Error("stays: has a window")
	}
	for _, app := range []string{"forks", "tool"} {
		screen, err := s.Run(t.Context(), fusion.Self, app, nil)
		if err != nil {
			t.Fatal(app, err)
		}
		if _, err := s.Run(t.Context(), fusion.Self, "forks", nil); !errors.Is(err, fusion.ErrBusy) {
			t.Errorf("above MaxApps: %v", err)
		}
		if err := s.End(t.Context(), screen.Name); err != nil {
			t.Error(app, err)
		}
	}
}
