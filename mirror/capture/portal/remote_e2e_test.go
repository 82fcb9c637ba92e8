//go:build linux && e2e

package portal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"hither/internal/wayland"
	"hither/mirror/wire"
)

// gnome is a portal such as GNOME's and KDE's have: with RemoteDesktop. Its
// pictures are those of a session of wlroots' portal, whose monitor is said to
// be half as large in the desktop's own units.
type gnome struct {
	t    *testing.T
	real *shared
	conn *dbus.Conn

	mu   sync.Mutex // guards said
	said []string
}

// startGnome takes the portal's name over on a bus of its own, and makes that
// the session's.
func startGnome(t *testing.T, s *wayland.Session) *gnome {
	t.Helper()
	b, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	g := &gnome{t: t}
	if g.real, err = share(t.Context(), b, Config{}); err != nil {
		t.Fatal(err)
	}
	s.Bus(t, "other-bus")
	if g.conn, err = dbus.Connect(os.Getenv("DBUS_SESSION_BUS_ADDRESS")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.conn.Close()
		b.close()
	})
	for of, methods := range map[string]map[string]any{
		remoteDesktop: {"CreateSession": g.create, "SelectDevices": g.choose, "Start": g.begin,
			"NotifyKeyboardKeycode": g.key, "NotifyKeyboardKeysym": g.sym, "NotifyPointerMotionAbsolute": g.point,
			"NotifyPointerButton": g.button, "NotifyPointerAxisDiscrete": g.wheel},
		screenCast:                        {"SelectSources": g.sources, "OpenPipeWireRemote": g.remote},
		"org.freedesktop.DBus.Properties": {"Get": g.get},
	} {
		if err := g.conn.ExportMethodTable(methods, "/org/freedesktop/portal/desktop", of); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.conn.RequestName(service, 0); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *gnome) note(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.said = append(g.said, fmt.Sprintf(format, args...))
}

func (g *gnome) heard(text string) func() bool {
	return func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return strings.Contains(strings.Join(g.said, "\n"), text)
	}
}

// answer is a request's yes; the signal may come before the call returns.
func (g *gnome) answer(sender dbus.Sender, options vardict, results vardict) (dbus.ObjectPath, *dbus.Error) {
	path := dbus.ObjectPath("/org/freedesktop/portal/desktop/request/" +
		strings.ReplaceAll(strings.TrimPrefix(string(sender), ":"), ".", "_") + "/" + options["handle_token"].Value().(string))
	if err := g.conn.Emit(path, request+".Response", uint32(answerYes), results); err != nil {
		g.t.Error(err)
	}
	return path, nil
}

func (g *gnome) get(of, name string) (dbus.Variant, *dbus.Error) {
	values := map[string]uint32{remoteDesktop + "version": 2, screenCast + "version": 4, screenCast + "AvailableCursorModes": 7}
	return dbus.MakeVariant(values[of+name]), nil
}

func (g *gnome) create(sender dbus.Sender, options vardict) (dbus.ObjectPath, *dbus.Error) {
	path := "/org/freedesktop/portal/desktop/session/" +
		strings.ReplaceAll(strings.TrimPrefix(string(sender), ":"), ".", "_") + "/" + options["session_handle_token"].Value().(string)
	if err := g.conn.ExportMethodTable(map[string]any{"Close": g.over}, dbus.ObjectPath(path), session); err != nil {
		g.t.Error(err)
	}
	return g.answer(sender, options, vardict{"session_handle": dbus.MakeVariant(path)})
}

func (g *gnome) over() *dbus.Error {
	g.note("closed")
	return nil
}

func (g *gnome) choose(sender dbus.Sender, _ dbus.ObjectPath, options vardict) (dbus.ObjectPath, *dbus.Error) {
	g.note("devices %v, persist %v, token %v", options["types"], options["persist_mode"], options["restore_token"])
	return g.answer(sender, options, vardict{})
}

func (g *gnome) sources(sender dbus.Sender, _ dbus.ObjectPath, options vardict) (dbus.ObjectPath, *dbus.Error) {
	_, persists := options["persist_mode"]
	g.note("sources %v, cursor %v, persists %v", options["types"], options["cursor_mode"], persists)
	return g.answer(sender, options, vardict{})
}

func (g *gnome) begin(sender dbus.Sender, _ dbus.ObjectPath, _ string, options vardict) (dbus.ObjectPath, *dbus.Error) {
	half := stream{g.real.stream.Node, vardict{"size": dbus.MakeVariant(struct{ W, H int32 }{640, 400})}}
	return g.answer(sender, options, vardict{"streams": dbus.MakeVariant([]stream{half}),
		"devices": dbus.MakeVariant(uint32(keyboard | pointer)), "restore_token": dbus.MakeVariant("next time")})
}

func (g *gnome) remote(dbus.ObjectPath, vardict) (dbus.UnixFD, *dbus.Error) {
	fd, err := g.real.connect(g.t.Context())
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	return dbus.UnixFD(fd), nil
}

func (g *gnome) key(_ dbus.ObjectPath, _ vardict, code int32, state uint32) *dbus.Error {
	g.note("key %d %d", code, state)
	return nil
}

func (g *gnome) sym(_ dbus.ObjectPath, _ vardict, sym int32, state uint32) *dbus.Error {
	g.note("sym %x %d", sym, state)
	return nil
}

func (g *gnome) point(_ dbus.ObjectPath, _ vardict, node uint32, x, y float64) *dbus.Error {
	g.note("point %v %v %v", node == g.real.stream.Node, x, y)
	return nil
}

func (g *gnome) button(_ dbus.ObjectPath, _ vardict, code int32, state uint32) *dbus.Error {
	g.note("button %d %d", code, state)
	return nil
}

func (g *gnome) wheel(_ dbus.ObjectPath, _ vardict, axis uint32, steps int32) *dbus.Error {
	g.note("wheel %d %d", axis, steps)
	return nil
}

func TestInputThroughThePortal(t *testing.T) {
	s := wayland.Start(t, wayland.Config{})
	g := startGnome(t, s)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("last time\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := watch(t, Config{Token: token})
	c.until(t, "the picture", func() bool { return c.picture != nil && c.picture.Width == 1280 })
	c.input(t, wire.Key{Code: 30, Down: true}, wire.Key{Code: 30}, wire.Pointer{X: 300, Y: 50},
		wire.Button{Button: wire.RightButton, Down: true}, wire.Button{Button: wire.RightButton},
		wire.Wheel{DY: 60}, wire.Wheel{DY: 60, DX: -240}, wire.Text{Text: "ü中\n"})
	for _, want := range []string{`devices @u 3, persist @u 2, token "last time"`, "sources @u 1, cursor @u 4, persists false",
		"key 30 1", "key 30 0", "point true 150 25", "button 273 1", "button 273 0", "wheel 0 1", "wheel 1 -2", "sym fc 1", "sym fc 0", "sym 1004e2d 1", "sym ff0d 0"} { // in no order: godbus serves calls side by side
		c.until(t, want, g.heard(want))
	}
	if b, err := os.ReadFile(token); err != nil || string(b) != "next time\n" {
		t.Errorf("kept %q, %v", b, err)
	}
	c.close()
	if !g.heard("closed")() {
		t.Error("the session was not closed")
	}
}
