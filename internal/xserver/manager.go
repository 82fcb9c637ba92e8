package xserver

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Manage runs openbox, with arguments of the test's own, until the test ends, and returns
// once it serves requests.
func (s *Server) Manage(t testing.TB, args ...string) {
	t.Helper()
	manager := exec.Command("openbox", append([]string{"--sm-disable"}, args...)...)
	manager.Env = append(os.Environ(), "DISPLAY="+s.Display)
	var said bytes.Buffer
	manager.Stdout, manager.Stderr = &said, &said
	if err := manager.Start(); err != nil {
		t.Fatalf("%v (install what is missing: build/deps.sh test)", err)
	}
	t.Cleanup(func() {
		_ = manager.Process.Kill() // it may have ended
		_ = manager.Wait()         // a killed one ends with an error
		if t.Failed() {
			t.Logf("openbox on %s: %v, and it said: %s", s.Display, manager.ProcessState, said.String())
		}
	})
	conn, err := xgb.NewConnDisplay(s.Display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close) // not before: see AwaitManager
	if err := AwaitManager(t.Context(), conn); err != nil {
		t.Fatalf("openbox on %s: %v", s.Display, err)
	}
}

// AwaitManager waits until a window manager serves requests, a minute at most. What
// openbox says of itself comes earlier (_NET_SUPPORTING_WM_CHECK, and _NET_CLIENT_LIST
// too), and a window that is shown before it listens is never seen: three of 25 were lost
// in the first 50 ms. So it is asked for the frame of a window that is not shown
// (_NET_REQUEST_FRAME_EXTENTS of the EWMH) until it answers; HasManager of remoteapp/x11
// does the same for apps, over the connection of its own.
//
// The connection stays open as long as the display is used: openbox goes on to answer what
// it was asked meanwhile, and if the next program got the ID of the window that it was
// asked about, then openbox would make that program's first window one pixel large (it did
// 24 times of 160, eight tests at a time).
func AwaitManager(ctx context.Context, conn *xgb.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const question, answer = "_NET_REQUEST_FRAME_EXTENTS", "_NET_FRAME_EXTENTS"
	asked, err := xproto.InternAtom(conn, false, uint16(len(question)), question).Reply()
	if err != nil {
		return err
	}
	answered, err := xproto.InternAtom(conn, false, uint16(len(answer)), answer).Reply()
	if err != nil {
		return err
	}
	window, err := xproto.NewWindowId(conn)
	if err != nil {
		return err
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	err = xproto.CreateWindowChecked(conn, screen.RootDepth, window, screen.Root, 0, 0, 1, 1, 0,
		xproto.WindowClassInputOutput, screen.RootVisual, 0, nil).Check()
	if err != nil {
		return err
	}
	defer xproto.DestroyWindow(conn, window)
	ask := xproto.ClientMessageEvent{Format: 32, Window: window, Type: asked.Atom, Data: xproto.ClientMessageDataUnionData32New(make([]uint32, 5))}
	const toManager = xproto.EventMaskSubstructureNotify | xproto.EventMaskSubstructureRedirect
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := xproto.SendEventChecked(conn, false, screen.Root, toManager, string(ask.Bytes())).Check(); err != nil {
			return err
		}
		extents, err := xproto.GetProperty(conn, false, window, answered.Atom, xproto.AtomCardinal, 0, 4).Reply()
		if err != nil {
			return err
		}
		if extents.ValueLen == 4 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
