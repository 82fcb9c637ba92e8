package surface

import (
	"encoding/binary"
	"image"
	"io"
	"log"
	"os"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"hither/fusion"
)

// quiet keeps xgb from printing: a broken connection is an error of Run.
var _ = func() bool { xgb.Logger = log.New(io.Discard, "", 0); return true }()

// window is the window on the display: an outer one whose background is the
// host's colour, and inside it the area, which shows the picture.
type window struct {
	conn   *xgb.Conn
	screen *xproto.ScreenInfo
	outer  xproto.Window
	area   xproto.Window
	gc     xproto.Gcontext
	atoms  map[string]xproto.Atom
	noShm  bool // guarded by glass.mu
}

const outerEvents = xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease |
	xproto.EventMaskFocusChange | xproto.EventMaskStructureNotify | xproto.EventMaskPropertyChange

const areaEvents = xproto.EventMaskExposure | xproto.EventMaskPointerMotion |
	xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease

// openWindow connects to the display and makes the window for a picture of
// size, without showing it.
func openWindow(cfg Config, size image.Point) (*window, error) {
	conn, err := xgb.NewConnDisplay(cfg.Display)
	if err != nil {
		return nil, opError(fusion.ErrUnsupported, "no X display: "+err.Error(),
			"start it inside a desktop session (DISPLAY is set there), or use the page: hither web")
	}
	w := &window{conn: conn, screen: xproto.Setup(conn).DefaultScreen(conn)}
	if err := w.create(cfg, size); err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

func (w *window) create(cfg Config, size image.Point) error {
	if !w.trueColor() {
		return opError(fusion.ErrUnsupported, "the display has no 24-bit little-endian colour",
			"use the page: hither web")
	}
	var err error
	if w.atoms, err = internAtoms(w.conn); err != nil {
		return err
	}
	if w.outer, err = xproto.NewWindowId(w.conn); err != nil {
		return err
	}
	if w.area, err = xproto.NewWindowId(w.conn); err != nil {
		return err
	}
	if w.gc, err = xproto.NewGcontextId(w.conn); err != nil {
		return err
	}
	size = w.fit(size)
	color := uint32(cfg.Color[0])<<16 | uint32(cfg.Color[1])<<8 | uint32(cfg.Color[2])
	err = w.createOne(w.outer, w.screen.Root, 0, size.Add(image.Pt(2*frame, 2*frame)), color, outerEvents)
	if err != nil {
		return err
	}
	if err := w.createOne(w.area, w.outer, frame, size, 0, areaEvents); err != nil {
		return err
	}
	if err := xproto.CreateGCChecked(w.conn, w.gc, xproto.Drawable(w.area),
		xproto.GcGraphicsExposures, []uint32{0}).Check(); err != nil {
		return err
	}
	w.describe(cfg)
	detectAutoRepeat(w.conn)
	return xproto.MapWindowChecked(w.conn, w.area).Check()
}

func (w *window) createOne(id, parent xproto.Window, at int, size image.Point, color, events uint32) error {
	width, height := wireSize(size)
	return xproto.CreateWindowChecked(w.conn, w.screen.RootDepth, id, parent, int16(at), int16(at), width, height, 0,
		xproto.WindowClassInputOutput, w.screen.RootVisual,
		xproto.CwBackPixel|xproto.CwBitGravity|xproto.CwEventMask,
		[]uint32{color, xproto.GravityNorthWest, events}).Check()
}

// trueColor says whether pixels are B, G, R, unused in memory.
func (w *window) trueColor() bool {
	setup := xproto.Setup(w.conn)
	if setup.ImageByteOrder != xproto.ImageOrderLSBFirst || w.screen.RootDepth != 24 {
		return false
	}
	for _, format := range setup.PixmapFormats {
		if format.Depth == 24 && format.BitsPerPixel != 32 {
			return false
		}
	}
	for _, depth := range w.screen.AllowedDepths {
		for _, visual := range depth.Visuals {
			if visual.VisualId == w.screen.RootVisual {
				return visual.RedMask == 0xff0000 && visual.GreenMask == 0xff00 && visual.BlueMask == 0xff
			}
		}
	}
	return false
}

// fit bounds a picture's size so that the window fits the display.
func (w *window) fit(size image.Point) image.Point {
	return image.Pt(
		max(1, min(size.X, int(w.screen.WidthInPixels)-2*frame)),
		max(1, min(size.Y, int(w.screen.HeightInPixels)-2*frame)))
}

// describe tells the window manager what the window is.
func (w *window) describe(cfg Config) {
	w.property("WM_CLASS", xproto.AtomString, []byte(cfg.AppID+"\x00"+cfg.AppID+"\x00"))
	w.property32("WM_PROTOCOLS", xproto.AtomAtom,
		uint32(w.atoms["WM_DELETE_WINDOW"]), uint32(w.atoms["_NET_WM_PING"]))
	const inputHint = 1
	w.property32("WM_HINTS", w.atoms["WM_HINTS"], inputHint, 1, 0, 0, 0, 0, 0, 0, 0)
	w.property32("_NET_WM_PID", xproto.AtomCardinal, uint32(os.Getpid()))
	if name, err := os.Hostname(); err == nil {
		w.property("WM_CLIENT_MACHINE", xproto.AtomString, []byte(name))
	}
}

// setTitle shows a title; control characters are left out.
func (w *window) setTitle(title string) {
	title = plainTitle(title)
	w.property("_NET_WM_NAME", w.atoms["UTF8_STRING"], []byte(title))
	w.property("WM_NAME", w.atoms["UTF8_STRING"], []byte(title))
}

func (w *window) property(name string, kind xproto.Atom, value []byte) {
	xproto.ChangeProperty(w.conn, xproto.PropModeReplace, w.outer, w.atoms[name], kind, 8,
		uint32(len(value)), value)
}

func (w *window) property32(name string, kind xproto.Atom, values ...uint32) {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, v)
	}
	xproto.ChangeProperty(w.conn, xproto.PropModeReplace, w.outer, w.atoms[name], kind, 32,
		uint32(len(values)), data)
}

// sync returns once the server has done everything asked of it so far.
func (w *window) sync() error {
	_, err := xproto.GetInputFocus(w.conn).Reply()
	return err
}

// show maps the window.
func (w *window) show() error { return xproto.MapWindowChecked(w.conn, w.outer).Check() }

// resizeOuter asks the window manager for the size that shows a picture whole.
func (w *window) resizeOuter(size image.Point) {
	size = w.fit(size).Add(image.Pt(2*frame, 2*frame))
	xproto.ConfigureWindow(w.conn, w.outer, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(size.X), uint32(size.Y)})
}

// resizeArea fits the area into the outer window, inside a frame of some width.
func (w *window) resizeArea(size image.Point, border int) {
	xproto.ConfigureWindow(w.conn, w.area,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(border), uint32(border), uint32(size.X), uint32(size.Y)})
}

var atomNames = []string{
	"WM_CLASS", "WM_NAME", "WM_HINTS", "WM_PROTOCOLS", "WM_DELETE_WINDOW", "WM_CLIENT_MACHINE", "UTF8_STRING",
	"_NET_WM_NAME", "_NET_WM_PID", "_NET_WM_PING", "_NET_WM_STATE", "_NET_WM_STATE_FULLSCREEN",
}

func internAtoms(conn *xgb.Conn) (map[string]xproto.Atom, error) {
	atoms := make(map[string]xproto.Atom, len(atomNames))
	for _, name := range atomNames {
		reply, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			return nil, err
		}
		atoms[name] = reply.Atom
	}
	return atoms, nil
}
