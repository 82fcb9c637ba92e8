package remoteapp

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/remoteapp/process"
	"hither/remoteapp/x11"
)

// Sizes in pixels: the largest a display can get, and what it has until the
// first window says how large it wants to be.
const (
	maxWidth, maxHeight     = 3840, 2160
	startWidth, startHeight = 1280, 800
)

// Marks in the environment: every process of a display has the first, the app
// and what it starts have the second too.
const (
	displayMark = "HITHER_DISPLAY="
	appMark     = "HITHER_APP="
)

// record is what instances.json keeps of a display.
type record struct {
	Instance string     `json:"instance"`
	App      string     `json:"app,omitempty"` // "" is the desktop
	Name     string     `json:"name"`
	Display  int        `json:"display"`
	Fitted   bool       `json:"fitted"`
	Windows  bool       `json:"windows,omitempty"` // they lie side by side, for a view of each
	Buffer   string     `json:"buffer,omitempty"`  // where the server keeps its pixels
	Server   process.ID `json:"server"`
	Manager  process.ID `json:"manager"`
	Bus      process.ID `json:"bus,omitzero"`
	Sound    process.ID `json:"sound,omitzero"`
	Shared   Sound      `json:"shared,omitzero"` // the sound, if it is in the session's server
	Process  process.ID `json:"process"`
}

// server is the private X display of one app, with its window manager, bus and
// sound server.
type server struct {
	record
	dir    string // Dir/INSTANCE
	socket string // of the bus
	sound  string // socket of the sound server
	sounds Sounds // nil: the session's server is not to be used
	log    *slog.Logger
	conn   *x11.Conn
}

// mark is no prefix of another display's.
func (s *server) mark() string { return s.dir + "/" }

func (s *server) display() Display {
	return Display{Name: ":" + strconv.Itoa(s.record.Display), Xauthority: filepath.Join(s.dir, "Xauthority"), Sound: s.plays(), Framebuffer: s.framebuffer()}
}

// needs names the Debian packages of the programs that a display is made of.
var needs = []struct{ program, pkg string }{{"Xvfb", "xvfb"}, {"openbox", "openbox"}}

func checkPrograms(op, path string) error {
	for _, n := range needs {
		if _, err := exec.LookPath(n.program); err != nil {
			return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrUnsupported, Detail: n.program + " is not installed",
				Hint: "install the package " + n.pkg + " on this computer (Debian, Ubuntu: apt install " + n.pkg + ")"}
		}
	}
	return nil
}

// start brings up the X server, the bus, the window manager and the sound
// server, which alone may fail. When it fails, the caller ends what is there (end).
func (s *server) start(ctx context.Context, manager ...string) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := x11.WriteAuthority(s.display().Xauthority); err != nil {
		return err
	}
	quiet := s.startSound() // it gets ready meanwhile
	if err := s.connectX(ctx); err != nil {
		return err
	}
	var err error
	if err := s.conn.Resize(startWidth, startHeight); err != nil {
		return err
	}
	if err := s.startBus(); err != nil {
		return err
	}
	if err := s.conn.Observe(s.conn.Root); err != nil {
		return err
	}
	if s.Manager, err = s.launch(manager, "manager.log", "", nil); err != nil {
		return err
	}
	if err := s.awaitManager(ctx); err != nil {
		return err
	}
	if quiet = errors.Join(quiet, s.awaitSound(ctx), s.shareSound(ctx)); quiet != nil {
		s.log.Warn("an app has no sound", "instance", s.Instance, "err", quiet)
	}
	return ctx.Err()
}

// serverTries is how often an X server is started before it counts as broken.
const serverTries = 5

// connectX starts an X server and connects to it. An older server that ends at
// that moment may take the new one's socket away with its own, as both had the
// same number; then another one is started.
func (s *server) connectX(ctx context.Context) (err error) {
	for range serverTries {
		if err = s.startX(ctx); err != nil {
			return err
		}
		if s.conn, err = x11.Dial(ctx, s.display().Name, s.display().Xauthority); err == nil || ctx.Err() != nil {
			return err
		}
		s.Server.Signal(syscall.SIGKILL)
		if ended := s.Server.Done(ctx); ended != nil {
			return errors.Join(err, ended)
		}
	}
	return err
}

// startX starts Xvfb on a free display number, which it tells through a pipe.
func (s *server) startX(ctx context.Context) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	screen := fmt.Sprintf("%dx%dx24", maxWidth, maxHeight)
	args := []string{"Xvfb", "-displayfd", "3", "-screen", "0", screen, "-auth", s.display().Xauthority,
		"-nolisten", "tcp", "-noreset", "-s", "0", "-dpi", "96"}
	s.Buffer = ""
	if s.App == "" {
		if err := s.makeBuffer(); err != nil {
			s.log.Info("the desktop's X server is asked for its pixels", "err", err)
		} else {
			args = append(args, "-fbdir", s.Buffer)
		}
	}
	s.Server, err = s.launch(args, "server.log", "", nil, w)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	text, err := io.ReadAll(io.LimitReader(r, 16)) // Xvfb closes it when it is ready
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	if s.record.Display, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("the X server did not start: %s", s.tail("server.log"))
	}
	return nil
}

// startBus starts a D-Bus session for the app, if dbus-daemon is installed.
func (s *server) startBus() error {
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		return nil
	}
	if most := len(unix.RawSockaddrUnix{}.Path); len(s.socket) >= most {
		return fmt.Errorf("%s: a socket's path must be shorter than %d bytes", s.socket, most)
	}
	var err error
	args := []string{"dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=unix:path=" + s.socket}
	s.Bus, err = s.launch(args, "bus.log", "", nil)
	return err
}

func (s *server) awaitManager(ctx context.Context) error {
	for {
		ready, err := s.conn.HasManager()
		if err != nil || ready {
			return err
		}
		select {
		case <-s.conn.Changed():
		case <-s.conn.Done():
			return errors.New("the X server ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond): // a request that got lost is made again
			if !s.Manager.Alive() {
				return fmt.Errorf("the window manager ended: %s", s.tail("manager.log"))
			}
		}
	}
}

// launch starts one program of this display in a session of its own.
func (s *server) launch(args []string, log, workDir string, env []string, files ...*os.File) (process.ID, error) {
	output, err := os.OpenFile(filepath.Join(s.dir, log), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return process.ID{}, err
	}
	defer output.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(s.environ(), env...)
	cmd.Dir = workDir
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = output, output, files
	return process.Start(cmd)
}

// dropped are variables that would lead a program to the session's own desktop
// or into another display's processes.
var dropped = []string{"DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DBUS_SESSION_BUS_ADDRESS",
	"SESSION_MANAGER", "DESKTOP_STARTUP_ID", "XDG_ACTIVATION_TOKEN", "XDG_SESSION_TYPE", "GDK_BACKEND", "QT_QPA_PLATFORM",
	"MOZ_ENABLE_WAYLAND", "HITHER_DISPLAY", "HITHER_APP", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WINDOWID"}

// droppedSound are variables that would lead a program of a display with a sound
// server of its own to another one.
var droppedSound = []string{"PULSE_SERVER", "PULSE_SINK", "PULSE_SOURCE", "PULSE_COOKIE", "PULSE_CLIENTCONFIG", "PULSE_RUNTIME_PATH",
	"PIPEWIRE_REMOTE", "PIPEWIRE_NODE"}

// environ is the node's environment, turned to this display.
func (s *server) environ() []string {
	drop := map[string]bool{}
	for _, name := range dropped {
		drop[name] = true
	}
	if s.plays().Server != "" {
		for _, name := range droppedSound {
			drop[name] = true
		}
	}
	env := append(s.soundEnviron(),
		displayMark+s.mark(), "XDG_SESSION_TYPE=x11", "GDK_BACKEND=x11", "QT_QPA_PLATFORM=xcb", "NO_AT_BRIDGE=1",
		"DISPLAY="+s.display().Name, "XAUTHORITY="+s.display().Xauthority)
	if s.Bus.PID != 0 {
		env = append(env, "DBUS_SESSION_BUS_ADDRESS=unix:path="+s.socket)
	}
	locale := false
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if !drop[name] {
			env = append(env, entry)
		}
		locale = locale || value != "" && (name == "LANG" || name == "LC_ALL" || name == "LC_CTYPE")
	}
	if !locale {
		env = append(env, "LANG=C.UTF-8")
	}
	return env
}

//go:embed rc.xml
var rcXML []byte

// configure writes openbox's configuration: normal windows keep their natural
// size until the display has been fitted to the first, and fill it afterwards,
// unless windows are seen one by one: then each lies where it wants to.
func (s *server) configure() error {
	config := rcXML
	if !s.Fitted || s.Windows {
		config = without(config, "fitted")
	}
	if s.Windows {
		config = without(config, "one")
	}
	// An openbox that was told earlier may read it just now.
	if err := os.WriteFile(s.rc()+".new", config, 0o600); err != nil {
		return err
	}
	return os.Rename(s.rc()+".new", s.rc())
}

// without leaves out what stands between two marks of a configuration.
func without(config []byte, mark string) []byte {
	head, rest, _ := bytes.Cut(config, []byte("<!-- "+mark+" -->"))
	_, tail, _ := bytes.Cut(rest, []byte("<!-- /"+mark+" -->"))
	return append(bytes.Clone(head), tail...)
}

func (s *server) rc() string { return filepath.Join(s.dir, "rc.xml") }

// appProcesses finds what still runs of the app itself.
func (s *server) appProcesses() []process.ID {
	return process.Marked(appMark+s.mark(), s.Process)
}

// end ends what is left of the app, then the display, and its directory.
func (s *server) end(ctx context.Context) error {
	err := process.End(ctx, 3*time.Second, s.appProcesses)
	if s.conn != nil {
		_ = s.conn.Close() // it may be gone already
	}
	all := func() []process.ID {
		return process.Marked(displayMark+s.mark(), s.Process, s.Manager, s.Bus, s.Sound, s.Server)
	}
	err = errors.Join(err, process.End(ctx, 3*time.Second, all))
	for _, id := range []process.ID{s.Process, s.Manager, s.Bus, s.Sound, s.Server} {
		if !id.Alive() {
			_ = id.Done(ctx) // collects it
		}
	}
	if s.Shared.Server != "" && s.sounds != nil {
		if rm := s.sounds.Remove(ctx, s.Instance, s.Shared); rm != nil {
			s.log.Debug("the sound of an app stays", "instance", s.Instance, "err", rm) // its server may be gone
		}
	}
	for _, socket := range []string{s.socket, s.sound} {
		if rm := os.Remove(socket); rm != nil && !errors.Is(rm, os.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}
	return errors.Join(err, s.dropBuffer(), os.RemoveAll(s.dir))
}

// tail gives the last lines of one of the logs.
func (s *server) tail(log string) string {
	const most = 400
	data, err := os.ReadFile(filepath.Join(s.dir, log))
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(data[max(0, len(data)-most):]))
	lines := strings.Split(text, "\n")
	return strings.ToValidUTF8(strings.Join(lines[max(0, len(lines)-4):], " | "), "?")
}

// trimLogs keeps the output of the app and of its sound server from filling the
// disk.
func (s *server) trimLogs() (failed error) {
	const most = 1 << 20
	for _, name := range []string{"log", "sound.log"} {
		path := filepath.Join(s.dir, name)
		info, err := os.Stat(path)
		if err == nil && info.Size() > most {
			err = os.Truncate(path, 0)
		}
		if !errors.Is(err, os.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
