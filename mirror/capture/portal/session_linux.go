//go:build amd64 || arm64

package portal

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"

	"hither/fusion"
)

// Values of the portal's options.
const (
	monitor = 1 // types of ScreenCast

	cursorEmbedded = 2
	cursorMetadata = 4

	keyboard = 1 // types of RemoteDesktop
	pointer  = 2

	persistForGood = 2
)

// stream is what a session shows.
type stream struct {
	Node       uint32
	Properties vardict
}

// place gives a property of two numbers.
func (s stream) place(name string) (x, y int, ok bool) {
	var p struct{ X, Y int32 }
	v, ok := s.Properties[name]
	if !ok || dbus.Store([]any{v.Value()}, &p) != nil {
		return 0, 0, false
	}
	return int(p.X), int(p.Y), true
}

// shared is a session that the person allowed.
type shared struct {
	bus     *bus
	path    dbus.ObjectPath
	stream  stream
	remote  bool   // the portal gives input, if the person allows it
	devices uint32 // that input may be given to, by the portal
	cursor  bool   // the cursor comes as metadata
}

// share asks for the desktop: its picture, and input where the portal has it.
func share(ctx context.Context, b *bus, config Config) (*shared, error) {
	version, err := b.number(ctx, screenCast, "version")
	if err != nil || version == 0 {
		return nil, failed(fusion.ErrUnsupported, "this session has no portal that shows its screen", hintPackages)
	}
	remote, err := b.number(ctx, remoteDesktop, "version")
	if err != nil {
		return nil, err
	}
	s := &shared{bus: b, remote: remote > 0}
	owner := screenCast // of the session: who starts it
	if remote > 0 {
		owner = remoteDesktop
	}
	if err := s.create(ctx, owner); err != nil {
		return nil, err
	}
	keeps := remote >= 2 || remote == 0 && version >= 4
	if err := s.choose(ctx, remote, keeps, config); err != nil {
		return nil, err
	}
	return s, s.start(ctx, owner, config)
}

func (s *shared) create(ctx context.Context, owner string) error {
	token := "hither"
	s.path = s.bus.path("session", token)
	if err := s.bus.conn.AddMatchSignalContext(ctx, dbus.WithMatchObjectPath(s.path), dbus.WithMatchInterface(session)); err != nil {
		return err
	}
	results, err := s.bus.ask(ctx, owner+".CreateSession", vardict{"session_handle_token": dbus.MakeVariant(token)})
	if err != nil {
		return err
	}
	// A string, by a mistake that the portal keeps for compatibility.
	if path, ok := results["session_handle"].Value().(string); !ok || dbus.ObjectPath(path) != s.path {
		return failed(fusion.ErrUnsupported, "the portal named another session", "update xdg-desktop-portal to 0.9 or later")
	}
	return nil
}

// choose says what is wanted: a monitor, and a pointer and a keyboard for it.
func (s *shared) choose(ctx context.Context, remote uint32, keeps bool, config Config) error {
	keep := vardict{}
	if keeps {
		keep["persist_mode"] = dbus.MakeVariant(uint32(persistForGood))
		token, err := readToken(config.Token)
		if err != nil {
			return err
		}
		if token != "" {
			keep["restore_token"] = dbus.MakeVariant(token)
		}
	}
	if remote > 0 {
		keep["types"] = dbus.MakeVariant(uint32(keyboard | pointer))
		if _, err := s.bus.ask(ctx, remoteDesktop+".SelectDevices", keep, s.path); err != nil {
			return err
		}
		keep = vardict{} // a session of both keeps through its devices
	}
	modes, err := s.bus.number(ctx, screenCast, "AvailableCursorModes")
	if err != nil {
		return err
	}
	keep["types"] = dbus.MakeVariant(uint32(monitor))
	for _, mode := range []uint32{cursorMetadata, cursorEmbedded} {
		if modes&mode != 0 {
			keep["cursor_mode"], s.cursor = dbus.MakeVariant(mode), mode == cursorMetadata
			break
		}
	}
	_, err = s.bus.ask(ctx, screenCast+".SelectSources", keep, s.path)
	return err
}

// start asks the person and keeps the token.
func (s *shared) start(ctx context.Context, owner string, config Config) error {
	const noWindow = ""
	results, err := s.bus.ask(ctx, owner+".Start", vardict{}, s.path, noWindow)
	if err != nil {
		return err
	}
	var streams []stream
	if v, ok := results["streams"]; ok {
		if err := dbus.Store([]any{v.Value()}, &streams); err != nil {
			return err
		}
	}
	if len(streams) == 0 {
		return failed(fusion.ErrPermission, "no screen was allowed", "open it again and choose a screen in the question that appears there")
	}
	s.stream = streams[0]
	s.devices, _ = results["devices"].Value().(uint32)
	if token, ok := results["restore_token"].Value().(string); ok && config.Token != "" {
		return writeToken(config.Token, token)
	}
	return nil
}

// connect opens the connection to PipeWire on which the stream is.
func (s *shared) connect(ctx context.Context) (fd int, err error) {
	var handle dbus.UnixFD
	err = s.bus.desktop.CallWithContext(ctx, screenCast+".OpenPipeWireRemote", 0, s.path, vardict{}).Store(&handle)
	return int(handle), err
}

// over says whether a signal ends the session.
func (s *shared) over(signal *dbus.Signal) bool {
	return signal.Path == s.path && signal.Name == session+".Closed"
}

// close ends the session: the desktop then shows that nobody looks any more.
func (s *shared) close() error {
	call := s.bus.conn.Object(service, s.path).Call(session+".Close", 0)
	var known dbus.Error
	if errors.As(call.Err, &known) || errors.Is(call.Err, dbus.ErrClosed) {
		return nil // it had ended
	}
	return call.Err
}

func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// writeToken keeps a token beside and renames it, as it is the only one.
func writeToken(file, token string) error {
	if err := os.WriteFile(file+".new", []byte(token+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
