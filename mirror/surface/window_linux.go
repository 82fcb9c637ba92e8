package surface

import (
	"cmp"
	"encoding/binary"
	"image"
	"os"

	"github.com/jezek/xgb/xproto"
)

// window is one window on the display: an outer one whose background is the
// host's colour, and inside it the area, which shows the picture. A popup has
// no frame, and its manager leaves it alone.
type window struct {
	*display
	outer xproto.Window
	area  xproto.Window
	gc    xproto.Gcontext
	frame int // width of the frame

	points direction // what the pointer over the frame shows; the event loop's own
}

const outerEvents = xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease |
	xproto.EventMaskFocusChange | xproto.EventMaskStructureNotify | xproto.EventMaskPropertyChange

// frameEvents are those of a frame that resizes its window.
const frameEvents = xproto.EventMaskButtonPress | xproto.EventMaskPointerMotion

const areaEvents = xproto.EventMaskExposure | xproto.EventMaskPointerMotion |
	xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease

// newWindow makes a window for a picture of size, without showing it.
func newWindow(d *display, cfg Config, size image.Point, popup bool) (*window, error) {
	w := &window{display: d, frame: frame, points: move}
	if popup {
		w.frame = 0
	}
	var err error
	if w.outer, err = xproto.NewWindowId(d.conn); err != nil {
		return nil, err
	}
	if w.area, err = xproto.NewWindowId(d.conn); err != nil {
		return nil, err
	}
	if w.gc, err = xproto.NewGcontextId(d.conn); err != nil {
		return nil, err
	}
	if err := w.create(cfg, size, popup); err != nil {
		return nil, err
	}
	w.describe(cfg)
	if !popup {
		w.property32("XdndAware", xproto.AtomAtom, xdndVersion)
	}
	return w, nil
}

func (w *window) create(cfg Config, size image.Point, popup bool) error {
	color := uint32(cfg.Color[0])<<16 | uint32(cfg.Color[1])<<8 | uint32(cfg.Color[2])
	override := uint32(0)
	if popup {
		override = 1
	}
	outer := w.createOne(w.outer, w.screen.Root, 0, size.Add(image.Pt(2*w.frame, 2*w.frame)), color, override, outerEvents)
	area := w.createOne(w.area, w.outer, w.frame, size, 0, 0, areaEvents)
	gc := xproto.CreateGCChecked(w.conn, w.gc, xproto.Drawable(w.area), xproto.GcGraphicsExposures, []uint32{0})
	mapped := xproto.MapWindowChecked(w.conn, w.area)
	for _, made := range []interface{ Check() error }{outer, area, gc, mapped} {
		if err := made.Check(); err != nil {
			return err
		}
	}
	return nil
}

func (w *window) createOne(id, parent xproto.Window, at int, size image.Point, color, override, events uint32) xproto.CreateWindowCookie {
	width, height := wireSize(size)
	return xproto.CreateWindowChecked(w.conn, w.screen.RootDepth, id, parent, int16(at), int16(at), width, height, 0,
		xproto.WindowClassInputOutput, w.screen.RootVisual,
		xproto.CwBackPixel|xproto.CwBitGravity|xproto.CwOverrideRedirect|xproto.CwEventMask,
		[]uint32{color, xproto.GravityNorthWest, override, events})
}

// destroy takes the window from the display.
func (w *window) destroy() {
	xproto.DestroyWindow(w.conn, w.outer)
	xproto.FreeGC(w.conn, w.gc)
}

// fit bounds a picture's size so that the window fits the display.
func (d *display) fit(size image.Point) image.Point {
	return image.Pt(
		max(1, min(size.X, int(d.screen.WidthInPixels)-2*frame)),
		max(1, min(size.Y, int(d.screen.HeightInPixels)-2*frame)))
}

// describe tells the window manager what the window is.
func (w *window) describe(cfg Config) {
	w.property("WM_CLASS", xproto.AtomString, []byte(cfg.AppID+"\x00"+cfg.AppID+"\x00"))
	w.property32("WM_PROTOCOLS", xproto.AtomAtom,
		uint32(w.atoms["WM_DELETE_WINDOW"]), uint32(w.atoms["_NET_WM_PING"]))
	w.inputHints(false)
	w.property32("_NET_WM_PID", xproto.AtomCardinal, uint32(os.Getpid()))
	if name, err := os.Hostname(); err == nil {
		w.property("WM_CLIENT_MACHINE", xproto.AtomString, []byte(name))
	}
}

// inputHints says that the window takes the focus, and whether it begins as an
// icon (WM_HINTS of the ICCCM).
func (w *window) inputHints(iconic bool) {
	const inputHint, stateHint = 1, 2
	const normal, icon = 1, 3
	state := uint32(normal)
	if iconic {
		state = icon
	}
	w.property32("WM_HINTS", w.atoms["WM_HINTS"], inputHint|stateHint, 1, state, 0, 0, 0, 0, 0, 0)
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
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, v)
	}
	xproto.ChangeProperty(w.conn, xproto.PropModeReplace, w.outer, w.atoms[name], kind, 32,
		uint32(len(values)), data)
}

// show maps the window.
func (w *window) show() error { return xproto.MapWindowChecked(w.conn, w.outer).Check() }

// hide takes the window from the screen (XWithdrawWindow of the ICCCM).
func (w *window) hide() {
	xproto.UnmapWindow(w.conn, w.outer)
	e := xproto.UnmapNotifyEvent{Event: w.screen.Root, Window: w.outer}
	xproto.SendEvent(w.conn, false, w.screen.Root,
		xproto.EventMaskSubstructureNotify|xproto.EventMaskSubstructureRedirect, string(e.Bytes()))
}

// resizeOuter asks the window manager for the size that shows a picture whole.
func (w *window) resizeOuter(size image.Point) {
	w.resizeTo(w.fit(size))
}

// resizeTo asks for a size of the area.
func (w *window) resizeTo(size image.Point) {
	width, height := wireSize(size.Add(image.Pt(2*w.frame, 2*w.frame)))
	xproto.ConfigureWindow(w.conn, w.outer, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(width), uint32(height)})
}

// moveTo asks for a place of the area on the display.
func (w *window) moveTo(r image.Rectangle) {
	width, height := wireSize(r.Size().Add(image.Pt(2*w.frame, 2*w.frame)))
	xproto.ConfigureWindow(w.conn, w.outer,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(int32(r.Min.X - w.frame)), uint32(int32(r.Min.Y - w.frame)), uint32(width), uint32(height)})
}

// where gives the place of the area on the display, inside a frame of a width.
func (w *window) where(border int) (image.Rectangle, error) {
	size := xproto.GetGeometry(w.conn, xproto.Drawable(w.outer))
	corner := xproto.TranslateCoordinates(w.conn, w.outer, w.screen.Root, 0, 0)
	geo, err := size.Reply()
	at, aterr := corner.Reply()
	if err != nil || aterr != nil {
		return image.Rectangle{}, cmp.Or(err, aterr)
	}
	r := image.Rect(0, 0, int(geo.Width), int(geo.Height)).Add(image.Pt(int(at.DstX), int(at.DstY)))
	return r.Inset(border), nil
}

// resizeArea fits the area into the outer window, inside a frame of some width.
func (w *window) resizeArea(size image.Point, border int) {
	xproto.ConfigureWindow(w.conn, w.area,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(border), uint32(border), uint32(size.X), uint32(size.Y)})
}
