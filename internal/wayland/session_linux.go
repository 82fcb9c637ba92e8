package wayland

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// patience bounds how long a part may take to come up.
const patience = time.Minute

// Session is a running Wayland session of one monitor, HEADLESS-1.
type Session struct {
	dir  string
	ends map[string]func()
}

// Config says what a session is like; the zero value works.
type Config struct {
	// Width and Height are the monitor's; the default is 1280 by 800.
	Width, Height int
	// Chooser is a shell command that answers the portal's question with the
	// name of a monitor. The default is a yes without it.
	Chooser string
	// NoPortal leaves PipeWire and the portals out.
	NoPortal bool
}

// display is the compositor's own name.
const display = "wayland-1"

// Start brings a session up, and makes it that of the test's process. It fails
// the test when that does not work.
func Start(t testing.TB, config Config) *Session {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hither-wayland-") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &Session{dir: dir, ends: map[string]func(){}}
	s.variables(t)
	s.write(t, "sway.conf", fmt.Sprintf("output HEADLESS-1 resolution %dx%d\nexec touch %s/ready\n",
		cmp.Or(config.Width, 1280), cmp.Or(config.Height, 800), dir))
	s.Bus(t, "bus")
	s.run(t, "sway", "-c", filepath.Join(dir, "sway.conf"))
	s.until(t, "sway", s.exists("ready"))
	if !config.NoPortal {
		s.portals(t, config.Chooser)
	}
	return s
}

// busConfig is a bus that starts nothing by itself, as what the system's files
// say would be started beside what the test starts.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s/%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// Bus starts a bus, another than the one it has after Start, and makes it that of
// the test's process.
func (s *Session) Bus(t testing.TB, name string) {
	t.Helper()
	s.write(t, name+".conf", fmt.Sprintf(busConfig, s.dir, name))
	s.run(t, "dbus-daemon", "--config-file="+filepath.Join(s.dir, name+".conf"), "--nofork", "--nopidfile")
	s.until(t, "D-Bus", s.exists(name))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(s.dir, name))
}

func (s *Session) portals(t testing.TB, chooser string) {
	t.Helper()
	choose := "chooser_type=none\n"
	if chooser != "" {
		choose = "chooser_type=simple\nchooser_cmd=" + chooser + "\n"
	}
	s.write(t, ".config/xdg-desktop-portal-wlr/config", "[screencast]\nmax_fps=60\n"+choose)
	s.run(t, "pipewire")
	s.until(t, "PipeWire", s.exists("pipewire-0"))
	s.run(t, "wireplumber")
	relay(t, filepath.Join(s.dir, display), filepath.Join(s.dir, relayed))
	s.run(t, "/usr/libexec/xdg-permission-store")
	s.until(t, "the permissions", s.owned("org.freedesktop.impl.portal.PermissionStore"))
	s.run(t, "/usr/libexec/xdg-desktop-portal-wlr", "-l", "DEBUG")
	s.until(t, "the portal of wlroots", s.owned("org.freedesktop.impl.portal.desktop.wlr"))
	s.run(t, "/usr/libexec/xdg-desktop-portal")
	s.until(t, "the portal", s.owned("org.freedesktop.portal.Desktop"))
}

// variables says what the session's programs, and the test, are told.
func (s *Session) variables(t testing.TB) {
	for name, value := range map[string]string{
		"HOME": s.dir, "XDG_RUNTIME_DIR": s.dir, "XDG_CONFIG_HOME": s.dir + "/.config", "XDG_STATE_HOME": s.dir + "/.state",
		"XDG_DATA_HOME": s.dir + "/.data", "XDG_CACHE_HOME": s.dir + "/.cache",
		"XDG_SESSION_TYPE": "wayland", "XDG_CURRENT_DESKTOP": "sway", "WAYLAND_DISPLAY": display, "DISPLAY": "",
		"SWAYSOCK":     s.dir + "/sway",
		"WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1",
	} {
		t.Setenv(name, value)
	}
}

func (s *Session) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts a part of the session, which is killed at the end. What it says is
// shown if the test failed.
func (s *Session) run(t testing.TB, name string, args ...string) (end func()) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	switch filepath.Base(name) {
	case "sway":
		cmd.SysProcAttr = ordinary()
		cmd.Env = append(os.Environ(), "WAYLAND_DISPLAY=")
	case "xdg-desktop-portal-wlr":
		cmd.Env = append(os.Environ(), "WAYLAND_DISPLAY="+relayed)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (install what is missing: build/deps.sh test)", err)
	}
	end = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	s.ends[name] = end
	t.Cleanup(func() {
		if end(); t.Failed() {
			t.Logf("%s said:\n%s", name, tail(said.String(), 40))
		}
	})
	return end
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// ordinary makes a user who is not root, as sway wants no root: in a user
// namespace, so that files and sockets are those of the test all the same.
func ordinary() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	const user = 1000
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: 0, Size: 1}},
	}
}

func (s *Session) exists(name string) func() bool {
	return func() bool {
		_, err := os.Stat(filepath.Join(s.dir, name))
		return err == nil
	}
}

// owned says whether a program has a name on the bus.
func (s *Session) owned(name string) func() bool {
	return func() bool {
		conn, err := dbus.Connect("unix:path=" + s.dir + "/bus")
		if err != nil {
			return false
		}
		defer conn.Close()
		var owned bool
		err = conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned)
		return err == nil && owned
	}
}

func (s *Session) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s did not come up in %v", what, patience)
		}
	}
}

// Run runs a program of the session and gives what it prints.
func (s *Session) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return string(out)
}

// Start runs a program of the session until the test ends or end is called.
func (s *Session) Start(t testing.TB, name string, args ...string) (end func()) {
	t.Helper()
	return s.run(t, name, args...)
}

// Kill ends a part of the session, as a crash does: "sway".
func (s *Session) Kill(name string) { s.ends[name]() }
