//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"net"
	"os"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// fonts of the two xterms: the X server's own, and one that the client smooths.
var fonts = map[string][]string{
	"xterm":        {"-fn", "fixed"},
	"xterm-smooth": {"-fa", "DejaVu Sans Mono", "-fs", "10"},
}

// xterm is a real terminal that covers a source, with runText in it.
type xterm struct {
	*app
	house  *house
	conn   *xgb.Conn
	window xproto.Window
	last   image.Rectangle // the first columns of its last line, but for where an empty one has its cursor
}

// startXterm starts a terminal with the focus. close ends it.
func startXterm(ctx context.Context, display, kind string) (_ *xterm, err error) {
	if err := need("xterm"); err != nil {
		return nil, err
	}
	h, err := newHouse(ctx)
	if err != nil {
		return nil, err
	}
	x := &xterm{house: h}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("xterm: %w: %s", err, h.lastWords()), h.close())
		}
	}()
	if x.conn, err = xgb.NewConnDisplay(display); err != nil {
		return nil, err
	}
	h.onClose(func() error { x.conn.Close(); return nil })
	if err := x.start(display, kind); err != nil {
		return nil, err
	}
	return x, x.cover()
}

func (x *xterm) close() error { return x.house.close() }

// start starts the program and waits until its text asks for commands.
func (x *xterm) start(display, kind string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"-geometry", "+0+0", "-b", "0", "-bw", "0", "+sb", "-fg", "gray90", "-bg", "gray10", "-cr", "gray90"}, fonts[kind]...)
	args = append(args, "-e", exe, "text", l.Addr().String())
	if _, err := x.house.start(command{name: "xterm", args: args, display: display}); err != nil {
		return err
	}
	if err := l.(*net.TCPListener).SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	x.house.onClose(conn.Close)
	x.app = &app{conn, bufio.NewScanner(conn)}
	return nil
}

// cover makes the terminal as large as the source, gives it the focus, and
// finds out where its last line is.
func (x *xterm) cover() error {
	root := xproto.Setup(x.conn).DefaultScreen(x.conn).Root
	for end := time.Now().Add(patience); x.window == 0; {
		var err error
		if x.window, err = x.find(root); err != nil {
			return err
		}
		if time.Now().After(end) {
			return errors.New("no window")
		}
		if err := pause(x.house.ctx); err != nil {
			return err
		}
	}
	err := xproto.ConfigureWindowChecked(x.conn, x.window,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|xproto.ConfigWindowStackMode,
		[]uint32{0, 0, width, height, xproto.StackModeAbove}).Check()
	if err != nil {
		return err
	}
	err = xproto.SetInputFocusChecked(x.conn, xproto.InputFocusPointerRoot, x.window, xproto.TimeCurrentTime).Check()
	if err != nil {
		return err
	}
	hints, err := xproto.GetProperty(x.conn, false, x.window, xproto.AtomWmNormalHints, xproto.AtomWmSizeHints, 0, 18).Reply()
	if err != nil {
		return err
	}
	const widthInc, heightInc = 9 * 4, 10 * 4 // of WM_SIZE_HINTS, see ICCCM 4.1.2.3
	if len(hints.Value) < heightInc+4 {
		return errors.New("no size hints")
	}
	wide, high := int(binary.LittleEndian.Uint32(hints.Value[widthInc:])), int(binary.LittleEndian.Uint32(hints.Value[heightInc:]))
	if wide < 1 || high < 1 || wide > 100 || high > 100 {
		return fmt.Errorf("a letter of %d×%d pixels", wide, high)
	}
	bottom := height / high * high
	x.last = image.Rect(wide, bottom-high, firstColumns*wide, bottom)
	return nil
}

// find gives the terminal's window once it is shown, or 0.
func (x *xterm) find(root xproto.Window) (xproto.Window, error) {
	tree, err := xproto.QueryTree(x.conn, root).Reply()
	if err != nil {
		return 0, err
	}
	for _, w := range tree.Children {
		class, err := xproto.GetProperty(x.conn, false, w, xproto.AtomWmClass, xproto.AtomString, 0, 32).Reply()
		if err != nil || string(class.Value) != "xterm\x00XTerm\x00" {
			continue // it may have gone meanwhile
		}
		attributes, err := xproto.GetWindowAttributes(x.conn, w).Reply()
		if err == nil && attributes.MapState == xproto.MapStateViewable {
			return w, nil
		}
	}
	return 0, nil
}
