//go:build amd64 || arm64

package portal

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"

	"hither/fusion"
)

// Names of the portal.
const (
	service       = "org.freedesktop.portal.Desktop"
	screenCast    = "org.freedesktop.portal.ScreenCast"
	remoteDesktop = "org.freedesktop.portal.RemoteDesktop"
	request       = "org.freedesktop.portal.Request"
	session       = "org.freedesktop.portal.Session"
)

// Answers of a request.
const (
	answerYes = 0
	answerNo  = 1
)

// vardict is a{sv}.
type vardict = map[string]dbus.Variant

// bus is a connection to the session's bus, for one session of the portal.
type bus struct {
	conn    *dbus.Conn
	desktop dbus.BusObject
	signals chan *dbus.Signal // closed when the connection ends
}

// dial connects to the session's bus. It never starts one.
func dial() (*bus, error) {
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if address == "" && os.Getenv("XDG_RUNTIME_DIR") != "" {
		address = "unix:path=" + filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	}
	conn, err := dbus.Connect(cmp.Or(address, "unix:path=/dev/null"))
	if err != nil {
		return nil, failed(fusion.ErrUnsupported, "the session's D-Bus: "+err.Error(),
			"start the node inside the graphical session")
	}
	b := &bus{conn: conn, signals: make(chan *dbus.Signal, 64)}
	conn.Signal(b.signals)
	b.desktop = conn.Object(service, "/org/freedesktop/portal/desktop")
	return b, nil
}

func (b *bus) close() error { return b.conn.Close() }

// number gives a property of a portal's interface, 0 where it has none.
func (b *bus) number(ctx context.Context, of, name string) (uint32, error) {
	var v dbus.Variant
	err := b.desktop.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, of, name).Store(&v)
	var known dbus.Error
	if errors.As(err, &known) && strings.HasSuffix(known.Name, "InvalidArgs") {
		return 0, nil // no such interface, or no such property
	}
	if err != nil {
		return 0, err
	}
	n, _ := v.Value().(uint32)
	return n, nil
}

// ask calls a method that a person may have to answer, and waits for the answer.
// options are added to by what a request needs.
func (b *bus) ask(ctx context.Context, method string, options vardict, args ...any) (vardict, error) {
	token := "hither" + rand.Text()
	handle := b.path("request", token)
	match := []dbus.MatchOption{dbus.WithMatchObjectPath(handle), dbus.WithMatchInterface(request)}
	if err := b.conn.AddMatchSignalContext(ctx, match...); err != nil {
		return nil, err
	}
	defer b.conn.RemoveMatchSignal(match...)
	options["handle_token"] = dbus.MakeVariant(token)
	if err := b.desktop.CallWithContext(ctx, method, 0, append(args, options)...).Err; err != nil {
		return nil, err
	}
	for {
		select {
		case <-ctx.Done():
			b.conn.Object(service, handle).Call(request+".Close", dbus.FlagNoReplyExpected)
			return nil, ctx.Err()
		case signal, ok := <-b.signals:
			if !ok {
				return nil, dbus.ErrClosed
			}
			if signal.Path == handle && signal.Name == request+".Response" {
				return answer(signal)
			}
		}
	}
}

// path is where the portal puts what this connection names token.
func (b *bus) path(kind, token string) dbus.ObjectPath {
	sender := strings.ReplaceAll(strings.TrimPrefix(b.conn.Names()[0], ":"), ".", "_")
	return dbus.ObjectPath("/org/freedesktop/portal/desktop/" + kind + "/" + sender + "/" + token)
}

func answer(signal *dbus.Signal) (vardict, error) {
	var code uint32
	var results vardict
	if err := dbus.Store(signal.Body, &code, &results); err != nil {
		return nil, err
	}
	switch code {
	case answerYes:
		return results, nil
	case answerNo:
		return nil, failed(fusion.ErrPermission, "the person at the screen said no",
			"open it again and allow it in the question that appears there")
	}
	return nil, failed(fusion.ErrUnsupported, "the portal gave up", hintPackages)
}
