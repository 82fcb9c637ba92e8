//go:build e2e

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"hither/internal/xserver"
)

const patience = 90 * time.Second

// watcher is the desktop's side of a tray: the item registers with it.
type watcher struct{ items chan string }

func (w *watcher) RegisterStatusNotifierItem(_ string, sender dbus.Sender) *dbus.Error {
	select {
	case w.items <- string(sender):
	default:
	}
	return nil
}

// TestTray runs the real tray beside a real node, on a display and a bus of its
// own: the menu names this computer, brings a running app back and ends it, pairing opens a window with a code, and
// Quit ends it.
func TestTray(t *testing.T) {
	dir, err := os.MkdirTemp("", "tray-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	hither, home := program(t, "hither"), filepath.Join(dir, "home")
	bus, conn := startBus(t, dir)
	server := xserver.Start(t, "-screen", "0", "1280x800x24")
	server.Manage(t)
	env := append(os.Environ(), "DISPLAY="+server.Display, "DBUS_SESSION_BUS_ADDRESS="+bus, "LANG=en_US.UTF-8", "LANGUAGE=", "LC_ALL=", "HOME="+dir)
	w := &watcher{items: make(chan string, 1)}
	if err := conn.Export(w, "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName("org.kde.StatusNotifierWatcher", 0); err != nil {
		t.Fatal(err)
	}
	up := exec.Command(hither, "--home", home, "up", "--name", "desk", "--libvirt", "off", "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0")
	up.Env = env
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = up.Process.Signal(syscall.SIGTERM) // Wait says if it ended before
		if err := up.Wait(); err != nil {
			t.Error("node: ", err)
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "ready"); {
	}

	agent := launch(t, env, program(t, "hither-tray"), "--home", home)
	var item dbus.BusObject
	select {
	case sender := <-w.items:
		item = conn.Object(sender, "/StatusNotifierItem/menu")
	case <-time.After(patience):
		t.Fatal("no item in the tray")
	}
	await(t, item, "desk (this computer)")
	labels := await(t, item, "Open library")
	t.Log(labels)

	runningApp(t, item, env, hither, home)

	click(t, item, "Pair a computer…")
	until(t, "a window with a code", func() bool {
		search := exec.Command("xdotool", "search", "--onlyvisible", "--name", "Pair a computer")
		search.Env = env
		return search.Run() == nil
	})
	click(t, item, "Quit")
	select {
	case <-agent:
	case <-time.After(patience):
		t.Error("Quit does not end it")
	}
}

// runningApp starts an app without a window here, brings its window by the menu,
// and ends it.
func runningApp(t *testing.T, item dbus.BusObject, env []string, hither, home string) {
	t.Helper()
	run := exec.Command(hither, "--home", home, "app", "run", "self", "xcalc", "--detach")
	run.Env = env
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	click(t, item, "Bring back")
	shown := func() bool {
		search := exec.Command("xdotool", "search", "--onlyvisible", "--name", "alculator")
		search.Env = env
		return search.Run() == nil
	}
	until(t, "the app's window", shown)
	click(t, item, "End")
	until(t, "the window ends with its app", func() bool { return !shown() })
	until(t, "the menu forgets the app", func() bool {
		_, there := menu(t, item)["Bring back"]
		return !there
	})
}

// program gives one of the built programs, from HITHER_BIN or bin.
func program(t *testing.T, name string) string {
	t.Helper()
	bin := os.Getenv("HITHER_BIN")
	if bin == "" {
		bin = filepath.Join("..", "..", "bin")
	}
	path, err := filepath.Abs(filepath.Join(bin, name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v; build it with: make build", err)
	}
	return path
}

// layout is a node of com.canonical.dbusmenu.
type layout struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

// menu gives the IDs of the items by label.
func menu(t *testing.T, item dbus.BusObject) map[string]int32 {
	t.Helper()
	var revision uint32
	var root layout
	err := item.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	ids := map[string]int32{}
	if err != nil {
		return ids // it is being made
	}
	var walk func(layout)
	walk = func(l layout) {
		if label, ok := l.Properties["label"].Value().(string); ok {
			ids[label] = l.ID
		}
		for _, child := range l.Children {
			var next layout
			if err := dbus.Store([]any{child.Value()}, &next); err == nil {
				walk(next)
			}
		}
	}
	walk(root)
	return ids
}

func await(t *testing.T, item dbus.BusObject, label string) []string {
	t.Helper()
	var labels []string
	until(t, label, func() bool {
		labels = nil
		for l := range menu(t, item) {
			labels = append(labels, l)
		}
		return slices.Contains(labels, label)
	})
	return labels
}

func click(t *testing.T, item dbus.BusObject, label string) {
	t.Helper()
	await(t, item, label)
	id := menu(t, item)[label]
	if err := item.Call("com.canonical.dbusmenu.Event", 0, id, "clicked", dbus.MakeVariant(""), uint32(0)).Err; err != nil {
		t.Fatal(label, err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("not in time: ", what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// launch runs a program until the test ends; the channel is closed when it ends.
func launch(t *testing.T, env []string, args ...string) <-chan struct{} {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = env
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-ended
	})
	return ended
}

func startBus(t *testing.T, dir string) (string, *dbus.Conn) {
	t.Helper()
	address := "unix:path=" + filepath.Join(dir, "bus")
	launch(t, os.Environ(), "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+address)
	var conn *dbus.Conn
	until(t, "bus", func() bool {
		var err error
		conn, err = dbus.Connect(address)
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	return address, conn
}
