package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"hither/fusion"
	"hither/mirror"
	"hither/mirror/capture"
	"hither/mirror/capture/portal"
	"hither/remoteapp"
	"hither/vmctl"
)

// locator finds what shows a screen: the session's display or one of its
// monitors, the console of a VM, or the private display of an app.
type locator struct {
	vms  *vmctl.Store
	apps *remoteapp.Store
	name string // of this computer: the title of its desktop
	// token is the file that keeps what a Wayland session's person allowed.
	token string
	log   *slog.Logger
	// session is the sound of the session's desktop.
	session *sessionSound
}

func (l *locator) List(ctx context.Context, machine string) ([]fusion.Screen, error) {
	m, err := l.vms.Get(ctx, machine)
	if err != nil {
		return nil, err
	}
	var out []fusion.Screen
	if m.Screen {
		out = append(out, l.screenOf(m))
	}
	if m.Kind == fusion.KindSelf {
		out = append(out, l.monitors(ctx)...)
		out = append(out, l.apps.Screens()...)
	}
	return out, nil
}

// screenOf gives the monitor or console of a machine. Its size is known once
// it is open.
func (l *locator) screenOf(m fusion.Machine) fusion.Screen {
	s := fusion.Screen{Name: m.Name, Machine: m.Name, Kind: fusion.ScreenConsole, Title: m.Name}
	if m.Kind == fusion.KindSelf {
		s.Kind, s.Title = fusion.ScreenMonitor, l.name
	}
	return s
}

func (l *locator) Open(ctx context.Context, screen string) (mirror.Located, error) {
	machine, part, isPart := strings.Cut(screen, "/")
	switch {
	case isPart && machine == fusion.Self && fusion.CheckName(part) == nil:
		return l.part(ctx, screen, part)
	case !isPart && machine == fusion.Self:
		return l.desktop(ctx)
	case !isPart && fusion.CheckName(machine) == nil:
		return l.console(ctx, machine)
	}
	return mirror.Located{}, &fusion.Error{Op: "screen.open", Path: screen, Cause: fusion.ErrInvalid,
		Hint: "a screen is MACHINE, MACHINE/MONITOR or MACHINE/INSTANCE"}
}

func (l *locator) console(ctx context.Context, machine string) (mirror.Located, error) {
	m, err := l.vms.Get(ctx, machine)
	if err != nil {
		return mirror.Located{}, err
	}
	if m.Screenshots {
		return l.shots(ctx, m)
	}
	console, err := l.vms.OpenConsole(ctx, machine)
	if err != nil {
		return mirror.Located{}, err
	}
	source, err := capture.RFB(ctx, console.Conn, capture.RFBConfig{Mouse: console.Mouse})
	return mirror.Located{Screen: l.screenOf(m), Source: source, Sound: consoleSound(machine)}, err
}

// shots gives the console of a machine without a VNC display.
func (l *locator) shots(ctx context.Context, m fusion.Machine) (mirror.Located, error) {
	source, err := capture.Shots(ctx, capture.ShotsConfig{
		Shot:   func(ctx context.Context) ([]byte, error) { return l.vms.Screenshot(ctx, m.Name) },
		Strike: func(ctx context.Context, keys []uint16) error { return l.vms.SendKeys(ctx, m.Name, keys) },
	})
	return mirror.Located{Screen: l.screenOf(m), Source: source, Sound: consoleSound(m.Name)}, err
}

// desktop gives the session's display, else a private one.
func (l *locator) desktop(ctx context.Context) (mirror.Located, error) {
	m, err := l.vms.Get(ctx, fusion.Self)
	if err != nil {
		return mirror.Located{}, err
	}
	if portal.Session() { // its DISPLAY, if any, is Xwayland's and shows nothing
		return l.wayland(ctx, l.screenOf(m))
	}
	if capture.HasDesktop { // Windows and macOS
		source, err := capture.Desktop(ctx)
		return mirror.Located{Screen: l.screenOf(m), Source: source}, err
	}
	display, session := remoteapp.SessionDisplay(ctx)
	if !session {
		if display, err = l.apps.Desktop(ctx); err != nil {
			return mirror.Located{}, err
		}
	}
	return l.x11(ctx, display, !session, l.screenOf(m), nil)
}

// wayland gives the desktop of a Wayland session, once the person there allows it.
func (l *locator) wayland(ctx context.Context, s fusion.Screen) (mirror.Located, error) {
	source, err := portal.Open(ctx, portal.Config{Token: l.token})
	return mirror.Located{Screen: s, Source: source}, err
}

// part gives a running app or a monitor; of one name the app.
func (l *locator) part(ctx context.Context, screen, name string) (mirror.Located, error) {
	display, err := l.apps.Display(screen)
	if errors.Is(err, fusion.ErrNotFound) {
		return l.monitor(ctx, screen, name)
	}
	if err != nil {
		return mirror.Located{}, err
	}
	return l.x11(ctx, display, true, l.shown(screen), l.bye(ctx, screen)) // it ends with its viewer's bye
}

// shown gives the present title and size of an app's screen.
func (l *locator) shown(screen string) fusion.Screen {
	for _, s := range l.apps.Screens() {
		if s.Name == screen {
			return s
		}
	}
	return fusion.Screen{Name: screen, Machine: fusion.Self, Kind: fusion.ScreenApp}
}

// bye ends the app of a screen.
func (l *locator) bye(ctx context.Context, screen string) func() {
	return func() {
		if err := l.apps.End(context.WithoutCancel(ctx), screen); err != nil {
			l.log.Debug("it had ended before its viewer said bye", "screen", screen, "err", err)
		}
	}
}

// OpenWindows gives the windows of a running app; other screens have none.
func (l *locator) OpenWindows(ctx context.Context, screen string) (mirror.LocatedWindows, error) {
	machine, instance, isApp := strings.Cut(screen, "/")
	if !isApp || machine != fusion.Self || fusion.CheckName(instance) != nil {
		return mirror.LocatedWindows{}, fusion.ErrUnsupported
	}
	display, err := l.apps.Display(screen)
	if errors.Is(err, fusion.ErrNotFound) {
		return mirror.LocatedWindows{}, fusion.ErrUnsupported // it may be a monitor, which Open knows
	}
	if err != nil {
		return mirror.LocatedWindows{}, err
	}
	pixels, err := capture.X11Windows(ctx, capture.X11Config{Display: display.Name, Xauthority: display.Xauthority})
	if err != nil {
		return mirror.LocatedWindows{}, err
	}
	windows, err := l.apps.Windows(ctx, screen)
	if err != nil {
		return mirror.LocatedWindows{}, errors.Join(err, pixels.Close())
	}
	return mirror.LocatedWindows{Screen: l.shown(screen), Windows: newAppWindows(windows, pixels), Sound: soundOf(display), Bye: l.bye(ctx, screen)}, nil
}

// x11 opens a display; a private one takes the size that its viewer wants.
func (l *locator) x11(ctx context.Context, d remoteapp.Display, private bool, s fusion.Screen, bye func()) (mirror.Located, error) {
	config := capture.X11Config{Display: d.Name, Xauthority: d.Xauthority, Framebuffer: d.Framebuffer, Resizable: private}
	source, err := capture.X11(ctx, config)
	if config.Framebuffer != "" && errors.Is(err, fusion.ErrUnsupported) {
		l.log.Warn("the X server is asked for its pixels", "screen", s.Name, "err", err)
		config.Framebuffer = ""
		source, err = capture.X11(ctx, config)
	}
	located := mirror.Located{Screen: s, Source: source, Sound: soundOf(d), Bye: bye}
	if !private {
		located.Sound, located.Session = l.session, true
	}
	return located, err
}
