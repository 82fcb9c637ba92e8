package remoteapp

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"

	"hither/fusion"
	"hither/internal/xdial"
	"hither/remoteapp/x11"
)

// desktopName is the instance of the private desktop; no app has it, for theirs
// end in a dash and random letters.
const desktopName = "desktop"

// background is the colour of the private desktop, 0xRRGGBB.
const background = 0x2b3a4a

// Desktop gives a display for the machine "self" when its session's cannot be
// reached: Xvfb of 1280 by 800, a window manager and a terminal. It is started
// by the first call, and kept.
func (s *Store) Desktop(ctx context.Context) (Display, error) {
	s.desktopMu.Lock()
	defer s.desktopMu.Unlock()
	if s.desktop != nil {
		select {
		case <-s.desktop.conn.Done():
			if err := s.dropDesktop(ctx); err != nil {
				return Display{}, err
			}
		default:
			return s.desktop.display(), nil
		}
	}
	if err := checkPrograms("screen.open", fusion.Self); err != nil {
		return Display{}, err
	}
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return Display{}, &fusion.Error{Op: "screen.open", Path: fusion.Self, Cause: fusion.ErrOffline, Detail: "the node is stopping"}
	}
	srv := s.newServer(desktopName, "")
	if err := s.startDesktop(ctx, srv); err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return Display{}, &fusion.Error{Op: "screen.open", Path: fusion.Self, Cause: errors.Join(err, srv.end(clean))}
	}
	s.desktop = srv
	return srv.display(), nil
}

func (s *Store) startDesktop(ctx context.Context, srv *server) error {
	ctx, cancel := context.WithTimeout(ctx, firstWindow)
	defer cancel()
	if err := srv.start(ctx, "openbox", "--sm-disable"); err != nil {
		return err
	}
	if err := srv.conn.SetBackground(background); err != nil {
		return err
	}
	if _, err := exec.LookPath("xterm"); err == nil {
		home, err := os.UserHomeDir()
		if err != nil {
			home = "/"
		}
		terminal := []string{"xterm", "-fa", "Monospace", "-fs", "11", "-geometry", "100x30"}
		if srv.Process, err = srv.launch(terminal, "log", home, []string{appMark + srv.mark()}); err != nil {
			return err
		}
	}
	return s.keep(srv.record)
}

func (s *Store) endDesktop(ctx context.Context) error {
	s.desktopMu.Lock()
	defer s.desktopMu.Unlock()
	if s.desktop == nil {
		return nil
	}
	return s.dropDesktop(ctx)
}

// dropDesktop ends the desktop; the caller holds desktopMu.
func (s *Store) dropDesktop(ctx context.Context) error {
	err := s.desktop.end(ctx)
	s.forget(&instance{server: s.desktop})
	s.desktop = nil
	return err
}

// SessionDisplay gives the display that DISPLAY names, if it can be opened.
func SessionDisplay(ctx context.Context) (Display, bool) {
	d := Display{Name: os.Getenv("DISPLAY"), Xauthority: xdial.DefaultAuthority()}
	if d.Name == "" {
		return Display{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := x11.Dial(ctx, d.Name, d.Xauthority)
	if err != nil {
		return Display{}, false
	}
	_ = conn.Close() // nothing was asked of it
	return d, true
}
