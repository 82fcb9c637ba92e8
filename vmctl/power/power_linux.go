package power

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"

	"hither/fusion"
)

// The names of logind on the system bus; elogind has the same. See
// https://www.freedesktop.org/software/systemd/man/org.freedesktop.login1.html
const (
	loginName = "org.freedesktop.login1"
	loginPath = dbus.ObjectPath("/org/freedesktop/login1")
	manager   = loginName + ".Manager"
)

// loginMethods are the methods of a power verb; what asks whether it can be done
// has "Can" before it.
var loginMethods = map[fusion.Verb]string{fusion.Sleep: "Suspend", fusion.Reboot: "Reboot", fusion.Stop: "PowerOff"}

// loginManager switches a computer through systemd-logind or elogind. The bus is the
// system's, or that of DBUS_SYSTEM_BUS_ADDRESS; a connection lasts for one call.
type loginManager struct{}

// System gives how this system is switched.
func System() Switch { return loginManager{} }

const noLogind = "logind does not answer on the system bus here, so that this computer cannot be switched from afar"

func (loginManager) Can(ctx context.Context) map[fusion.Verb]string {
	why := map[fusion.Verb]string{}
	for _, verb := range fusion.PowerVerbs {
		why[verb] = noLogind
	}
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return why
	}
	defer conn.Close()
	for verb, method := range loginMethods {
		var answer string
		err := conn.Object(loginName, loginPath).CallWithContext(ctx, manager+".Can"+method, 0).Store(&answer)
		if err == nil {
			why[verb] = loginReason(answer)
		}
	}
	return why
}

// loginReason says what logind's answer to a Can means, "" for yes.
func loginReason(answer string) (reason string) {
	switch answer {
	case "yes":
		return ""
	case "na":
		reason = "its hardware or its system cannot do that"
	case "no":
		reason = "its system does not allow that to the account that Hither runs as; a polkit rule can"
	case "challenge":
		reason = "its system wants a password for that, which nobody can type from afar; a polkit rule can allow it"
	default: // "inhibited", "inhibitor-blocked", "challenge-inhibitor-blocked"
		reason = "a program there keeps it from that; systemd-inhibit --list names it"
	}
	return reason
}

func (loginManager) Do(ctx context.Context, verb fusion.Verb) error {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return &fusion.Error{Op: "power", Cause: fusion.ErrUnsupported, Detail: noLogind, Hint: "open its desktop and use the menu there"}
	}
	defer conn.Close()
	const interactive = false // nobody is there to answer a question
	return loginError(conn.Object(loginName, loginPath).CallWithContext(ctx, manager+"."+loginMethods[verb], 0, interactive).Err)
}

// loginError gives logind's refusals their causes.
func loginError(err error) error {
	var refusal dbus.Error
	if !errors.As(err, &refusal) {
		return err
	}
	cause := error(nil)
	switch refusal.Name {
	case "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired":
		cause = fusion.ErrPermission
	case loginName + ".OperationInProgress", loginName + ".BlockedByInhibitorLock":
		cause = fusion.ErrBusy
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner", loginName + ".SleepVerbNotSupported":
		cause = fusion.ErrUnsupported
	default:
		cause = errors.New("logind refuses")
	}
	return &fusion.Error{Op: "power", Cause: cause, Detail: refusal.Error(), Hint: "open its desktop and use the menu there"}
}

// The signals that say that a computer goes (true) or is back (false). The one
// with metadata comes first, and from newer releases only.
const (
	prepareSleep    = "PrepareForSleep"
	prepareShutdown = "PrepareForShutdown"
	prepareWith     = "PrepareForShutdownWithMetadata"
)

func (loginManager) Watch(ctx context.Context, going func(fusion.Away)) error {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, member := range []string{prepareSleep, prepareShutdown, prepareWith} {
		err := conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(loginName), dbus.WithMatchInterface(manager), dbus.WithMatchMember(member))
		if err != nil {
			return err
		}
	}
	d := delay{conn: conn}
	defer d.release()
	d.take(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case signal, open := <-signals:
			if !open {
				return errors.New("the system bus is gone")
			}
			away, back, ok := readPrepare(signal)
			switch {
			case !ok:
			case back:
				going("")
				d.take(ctx)
			default:
				going(away)
				d.release()
			}
		}
	}
}

// readPrepare says what a signal announces.
func readPrepare(signal *dbus.Signal) (away fusion.Away, back, ok bool) {
	if len(signal.Body) == 0 {
		return "", false, false
	}
	begins, ok := signal.Body[0].(bool)
	switch signal.Name {
	case manager + "." + prepareSleep:
		return fusion.Asleep, !begins, ok
	case manager + "." + prepareShutdown:
		return fusion.PoweredOff, !begins, ok
	case manager + "." + prepareWith:
		return shutdownKind(signal.Body[1:]), !begins, ok
	}
	return "", false, false
}

// shutdownKind tells a restart from the end.
func shutdownKind(body []any) fusion.Away {
	if len(body) > 0 {
		metadata, _ := body[0].(map[string]dbus.Variant)
		kind, _ := metadata["type"].Value().(string)
		switch kind {
		case "reboot", "soft-reboot", "kexec":
			return fusion.Restarting
		}
	}
	return fusion.PoweredOff
}

// delay is logind's promise to wait, a few seconds, until the paired computers were
// told. Without it the signals come all the same, and may come too late.
type delay struct {
	conn *dbus.Conn
	lock *os.File
}

func (d *delay) take(ctx context.Context) {
	d.release()
	var fd dbus.UnixFD
	err := d.conn.Object(loginName, loginPath).CallWithContext(ctx, manager+".Inhibit", 0,
		"sleep:shutdown", "Hither", "Tells paired computers that this one goes", "delay").Store(&fd)
	if err == nil {
		d.lock = os.NewFile(uintptr(fd), fmt.Sprintf("inhibitor-%d", fd))
	}
}

func (d *delay) release() {
	if d.lock != nil {
		_ = d.lock.Close() // it is a pipe that only says that it is open
		d.lock = nil
	}
}
