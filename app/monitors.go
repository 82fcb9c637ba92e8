package app

import (
	"context"
	"errors"
	"fmt"

	"hither/fusion"
	"hither/mirror"
	"hither/mirror/capture"
	"hither/mirror/capture/portal"
	"hither/remoteapp"
)

// layout gives the display whose monitors are seen one by one: that of this
// computer's X session.
func layout(ctx context.Context) (capture.X11Config, bool) {
	if portal.Session() {
		return capture.X11Config{}, false // the person there chooses what is seen
	}
	d, session := remoteapp.SessionDisplay(ctx)
	return capture.X11Config{Display: d.Name, Xauthority: d.Xauthority}, session
}

// monitors gives a screen for each monitor of the desktop, if it has several.
func (l *locator) monitors(ctx context.Context) []fusion.Screen {
	display, session := layout(ctx)
	if !session {
		return nil
	}
	all, err := capture.X11Monitors(ctx, display)
	if err != nil {
		l.log.Warn("the monitors are not known", "err", err)
	}
	if len(all) < 2 {
		return nil
	}
	var out []fusion.Screen
	for _, m := range all {
		out = append(out, fusion.Screen{Name: fusion.Self + "/" + m.Name, Machine: fusion.Self, Kind: fusion.ScreenMonitor,
			Title: monitorTitle(m), Width: m.Area.Dx(), Height: m.Area.Dy()})
	}
	return out
}

// monitorTitle says what a person knows a monitor by.
func monitorTitle(m capture.Monitor) string {
	title := fmt.Sprintf("%s, %d×%d", m.Name, m.Area.Dx(), m.Area.Dy())
	if m.Primary {
		title += ", primary"
	}
	return title
}

// monitor opens one monitor of the desktop, also the only one. It has the
// desktop's sound.
func (l *locator) monitor(ctx context.Context, screen, name string) (mirror.Located, error) {
	display, session := layout(ctx)
	if !session {
		return mirror.Located{}, noScreen(screen)
	}
	source, err := capture.X11Monitor(ctx, display, name)
	if errors.Is(err, fusion.ErrNotFound) {
		return mirror.Located{}, noScreen(screen)
	}
	s := fusion.Screen{Name: screen, Machine: fusion.Self, Kind: fusion.ScreenMonitor, Title: name}
	return mirror.Located{Screen: s, Source: source, Sound: l.session, Session: true}, err
}

func noScreen(screen string) error {
	return &fusion.Error{Op: "screen.open", Path: screen, Cause: fusion.ErrNotFound,
		Detail: "no app that runs and no monitor has this name", Hint: "see what there is: hither screen ls HOST/self"}
}
