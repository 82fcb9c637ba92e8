//go:build e2e && linux

package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/app/home"
	"hither/fusion"
	"hither/internal/xserver"
	"hither/mirror/wire"
)

const patience = 60 * time.Second

// screenServer is the host's end of one view.
type screenServer struct {
	fusion.Pipe
	query string
	said  chan wire.Message // what the viewer said, but pings, which are answered
}

// serveScreens answers GET /screen and gives each view to the test.
func serveScreens(views chan<- screenServer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: hither-screen\r\n\r\n")
		if err != nil {
			return // the viewer left
		}
		s := screenServer{wire.Stream(conn), r.URL.RawQuery, make(chan wire.Message, 1024)}
		views <- s
		s.listen()
	}
}

// hello begins a view with a black picture.
func (s screenServer) hello(t *testing.T, title string) {
	t.Helper()
	frame := []byte{1, 1, 64, 0, 200, 2, 0, 0, 0, 0, 1, 64, 0, 200, 0x20, 0x40, 0x60} // key, 320×200, filled
	for _, m := range []wire.Message{
		wire.Hello{Width: 320, Height: 200, Title: title},
		wire.FramePart{Seq: 1, Parts: 1, Bytes: frame},
	} {
		if err := s.Write(m.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
}

// listen reads until the view ends.
func (s screenServer) listen() {
	defer close(s.said)
	for {
		b, err := s.Read()
		if err != nil {
			return
		}
		m, err := wire.ParseViewer(b)
		if err != nil {
			panic(err)
		}
		if ping, ok := m.(wire.Ping); ok {
			_ = s.Write(wire.Pong(ping).Append(nil)) // the next Read tells
			continue
		}
		s.said <- m
	}
}

// wait passes over messages until one that want takes.
func (s screenServer) wait(t *testing.T, what string, want func(wire.Message) bool) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case m, ok := <-s.said:
			if !ok {
				t.Fatalf("the view ended without %s", what)
			}
			if want(m) {
				return
			}
		case <-late:
			t.Fatalf("%s did not come", what)
		}
	}
}

func isAck(m wire.Message) bool { _, ok := m.(wire.Ack); return ok }
func isBye(m wire.Message) bool { _, ok := m.(wire.Bye); return ok }

// desk starts an X server with a window manager and makes it $DISPLAY.
func desk(t *testing.T) {
	t.Helper()
	server := xserver.Start(t, "-screen", "0", "1024x768x24")
	server.Manage(t)
	t.Setenv("DISPLAY", server.Display)
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// window waits for the one window whose title is matched; xdotool in the locale C
// does not give the dash. If it does not come, the test says what there is.
func window(t *testing.T, title string) (id string) {
	t.Helper()
	defer func() {
		if id == "" {
			tree, err := exec.Command("xwininfo", "-root", "-tree").CombinedOutput()
			t.Logf("the display has (%v)\n%s", err, tree)
		}
	}()
	until(t, "a window named "+title, func() bool {
		out, err := exec.Command("xdotool", "search", "--onlyvisible", "--name", "^"+title+"$").Output()
		id = strings.TrimSpace(string(out))
		return err == nil && id != ""
	})
	return id
}

// scene is a fake node and a hither command that views one of its screens.
type scene struct {
	node  *fake
	views chan screenServer
	code  chan int
}

func newScene(t *testing.T, args ...string) *scene {
	desk(t)
	run, err := os.MkdirTemp("/tmp", "hcli")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(run) }) // a temporary directory
	h := home.Home{Dir: filepath.Join(run, "home"), Run: filepath.Join(run, "r"), Explicit: true}
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	s := &scene{node: newFake(h), views: make(chan screenServer, 4), code: make(chan int, 1)}
	s.node.screen = serveScreens(s.views)
	end, err := serve(s.node)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	go func() { s.code <- execute(append(args, "--home", h.Dir)) }()
	return s
}

func (s *scene) view(t *testing.T) screenServer {
	t.Helper()
	select {
	case v := <-s.views:
		return v
	case code := <-s.code:
		t.Fatalf("hither ended with %d", code)
	case <-time.After(patience):
		t.Fatal("no view was opened")
	}
	panic("unreachable")
}

func (s *scene) ends(t *testing.T, want int) {
	t.Helper()
	select {
	case code := <-s.code:
		if code != want {
			t.Errorf("hither ended with %d, want %d", code, want)
		}
	case <-time.After(patience):
		t.Fatal("hither does not end")
	}
}

func TestViewEndsWithItsSource(t *testing.T) {
	s := newScene(t, "view", "nas/win11", "--view-only")
	v := s.view(t)
	defer v.Close()
	if v.query != "host=nas&screen=win11&viewOnly=1" {
		t.Errorf("asked for %q", v.query)
	}
	v.hello(t, "win11")
	v.wait(t, "the frame on the glass", isAck)
	window(t, "win11 .* nas")
	if err := v.Write(wire.Closed{Reason: wire.Ended}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	s.ends(t, exitOK)
}

func TestViewFindsARunningApp(t *testing.T) {
	s := newScene(t, "view", "nas/self/xterm-1")
	v := s.view(t)
	defer v.Close()
	if v.query != "host=nas&screen=self%2Fxterm-1&windows=1" {
		t.Errorf("asked for %q", v.query)
	}
	v.hello(t, "Terminal")
	v.wait(t, "the frame on the glass", isAck)
	id := window(t, "Terminal .* nas")
	if out, err := exec.Command("wmctrl", "-i", "-c", id).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	v.wait(t, "the goodbye of a closed window", isBye)
	s.ends(t, exitOK)
}

func TestViewShowsTheWindowsOfAnApp(t *testing.T) {
	s := newScene(t, "view", "nas/self/xterm-1")
	v := s.view(t)
	defer v.Close()
	say := func(messages ...wire.Message) {
		t.Helper()
		for _, m := range messages {
			if err := v.Write(m.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	say(wire.Hello{Windows: true, Width: 1024, Height: 768, Title: "Terminal"})
	v.wait(t, "the desktop's size", func(m wire.Message) bool { _, ok := m.(wire.Desk); return ok })
	frame := []byte{1, 1, 64, 0, 200, 2, 0, 0, 0, 0, 1, 64, 0, 200, 0x20, 0x40, 0x60} // key, 320×200, filled
	for id, title := range map[uint32]string{1: "Shell", 2: "Log"} {
		say(wire.Window{ID: id, X: int16(id * 100), Y: 100, Width: 320, Height: 200, Title: title},
			wire.On{Window: id}, wire.FramePart{Seq: 1, Parts: 1, Bytes: frame})
		v.wait(t, "the frame on the glass", isAck)
	}
	shell := window(t, "Shell .* nas")
	window(t, "Log .* nas")
	if out, err := exec.Command("wmctrl", "-i", "-c", shell).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	v.wait(t, "the wish to close it", func(m wire.Message) bool { return m == wire.Shut{Window: 1} })
	say(wire.Gone{Window: 1}, wire.Gone{Window: 2}, wire.Closed{Reason: wire.Ended})
	s.ends(t, exitOK)
}

func TestInterruptEndsTheLaunchedApp(t *testing.T) {
	s := newScene(t, "app", "run", "nas/self", "xterm")
	v := s.view(t)
	defer v.Close()
	v.hello(t, "Terminal")
	v.wait(t, "the frame on the glass", isAck)
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s.ends(t, exitError)
	select {
	case screen := <-s.node.ended:
		if screen != "nas self/xterm-2" {
			t.Errorf("ended %q", screen)
		}
	default:
		t.Error("the app was left running")
	}
}
