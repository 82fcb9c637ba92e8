package main

import (
	"context"
	"errors"
	"time"

	"github.com/godbus/dbus/v5"

	"hither/fusion"
)

// notify says something on the desktop, for a command that a menu started and
// whose errors nobody reads. A desktop without notifications is left alone.
// Source: Desktop Notifications Specification 1.2.
func notify(title, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := dbus.ConnectSessionBus(dbus.WithContext(ctx))
	if err != nil {
		return // no desktop
	}
	defer conn.Close()
	const name = "org.freedesktop.Notifications"
	object := conn.Object(name, "/org/freedesktop/Notifications")
	_ = object.CallWithContext(ctx, name+".Notify", dbus.FlagNoAutoStart, "Hither", uint32(0), "hither", title, text,
		[]string{}, map[string]dbus.Variant{}, int32(-1)).Err // nobody there shows any
}

// notifyError says why an app of a menu did not open.
func notifyError(app string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	text := err.Error()
	if hint := fusion.Hint(err); hint != "" {
		text += "\n" + hint
	}
	notify(app, printable(text))
}
