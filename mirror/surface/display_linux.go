package surface

import (
	"encoding/binary"
	"image"
	"io"
	"log"
	"sync/atomic"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/internal/xdial"
)

// quiet keeps xgb from printing: a broken connection is an error of Run.
var _ = func() bool { xgb.Logger = log.New(io.Discard, "", 0); return true }()

// maxPixels bounds the pictures of all windows of a view together: 256 MiB.
const maxPixels = 64 << 20

// display is the connection to the X server that all windows of a Run share.
type display struct {
	conn   *xgb.Conn
	screen *xproto.ScreenInfo
	atoms  map[string]xproto.Atom
	argb   render.Pictformat // for cursors; 0 without XRender
	shared atomic.Bool       // pictures may be in memory that the server reads too
	pixels atomic.Int64      // of all pictures
	edges  [move]xproto.Cursor
}

// openDisplay connects to an X display.
func openDisplay(name string) (*display, error) {
	conn, err := xdial.XGB(name)
	if err != nil {
		return nil, opError(fusion.ErrUnsupported, "no X display: "+err.Error(),
			"start it inside a desktop session (DISPLAY is set there), or use the page: hither web")
	}
	d := &display{conn: conn, screen: xproto.Setup(conn).DefaultScreen(conn)}
	if err := d.begin(); err != nil {
		conn.Close()
		return nil, err
	}
	return d, nil
}

func (d *display) begin() error {
	if !d.trueColor() {
		return opError(fusion.ErrUnsupported, "the display has no 24-bit little-endian colour",
			"use the page: hither web")
	}
	var err error
	if d.atoms, err = internAtoms(d.conn); err != nil {
		return err
	}
	d.shared.Store(useExtension(d.conn, "MIT-SHM") == nil)
	d.argb = cursorFormat(d.conn)
	detectAutoRepeat(d.conn)
	return xproto.ChangeWindowAttributesChecked(d.conn, d.screen.Root, xproto.CwEventMask,
		[]uint32{xproto.EventMaskPropertyChange | xproto.EventMaskStructureNotify}).Check()
}

// trueColor says whether pixels are B, G, R, unused in memory.
func (d *display) trueColor() bool {
	setup := xproto.Setup(d.conn)
	if setup.ImageByteOrder != xproto.ImageOrderLSBFirst || d.screen.RootDepth != 24 {
		return false
	}
	for _, format := range setup.PixmapFormats {
		if format.Depth == 24 && format.BitsPerPixel != 32 {
			return false
		}
	}
	for _, depth := range d.screen.AllowedDepths {
		for _, visual := range depth.Visuals {
			if visual.VisualId == d.screen.RootVisual {
				return visual.RedMask == 0xff0000 && visual.GreenMask == 0xff00 && visual.BlueMask == 0xff
			}
		}
	}
	return false
}

// size is how large the display is.
func (d *display) size() image.Point {
	geo, err := xproto.GetGeometry(d.conn, xproto.Drawable(d.screen.Root)).Reply()
	if err != nil {
		return image.Pt(int(d.screen.WidthInPixels), int(d.screen.HeightInPixels))
	}
	return image.Pt(int(geo.Width), int(geo.Height))
}

// workArea is the part of the display that panels leave free (_NET_WORKAREA of
// the current desktop), or all of it.
func (d *display) workArea() image.Rectangle {
	whole := image.Rectangle{Max: d.size()}
	desktop := 0
	if now := d.cardinals(d.screen.Root, "_NET_CURRENT_DESKTOP"); len(now) > 0 {
		desktop = int(now[0])
	}
	areas := d.cardinals(d.screen.Root, "_NET_WORKAREA")
	if len(areas) < 4*(desktop+1) {
		return whole
	}
	a := areas[4*desktop:]
	area := image.Rect(int(a[0]), int(a[1]), int(a[0])+int(a[2]), int(a[1])+int(a[3])).Intersect(whole)
	if area.Empty() {
		return whole
	}
	return area
}

// cardinals reads a property of 32-bit numbers; nil if there is none.
func (d *display) cardinals(w xproto.Window, name string) []uint32 {
	reply, err := xproto.GetProperty(d.conn, false, w, d.atoms[name], xproto.GetPropertyTypeAny, 0, 256).Reply()
	if err != nil || reply == nil || reply.Format != 32 {
		return nil
	}
	var values []uint32
	for b := reply.Value; len(b) >= 4; b = b[4:] {
		values = append(values, binary.LittleEndian.Uint32(b))
	}
	return values
}

// toManager sends a message about a window to the window manager.
func (d *display) toManager(w xproto.Window, kind string, data ...uint32) {
	values := make([]uint32, 5)
	copy(values, data)
	d.toRoot(xproto.ClientMessageEvent{Format: 32, Window: w, Type: d.atoms[kind],
		Data: xproto.ClientMessageDataUnionData32New(values)})
}

func (d *display) toRoot(e xproto.ClientMessageEvent) {
	xproto.SendEvent(d.conn, false, d.screen.Root,
		xproto.EventMaskSubstructureNotify|xproto.EventMaskSubstructureRedirect, string(e.Bytes()))
}

// pressed says whether a button of the mouse is down: somebody drags.
func (d *display) pressed() bool {
	const buttons = xproto.ButtonMask1 | xproto.ButtonMask2 | xproto.ButtonMask3
	reply, err := xproto.QueryPointer(d.conn, d.screen.Root).Reply()
	return err == nil && reply.Mask&buttons != 0
}

// sync returns once the server has done everything asked of it so far.
func (d *display) sync() error {
	_, err := xproto.GetInputFocus(d.conn).Reply()
	return err
}

var atomNames = []string{
	"WM_CLASS", "WM_NAME", "WM_HINTS", "WM_NORMAL_HINTS", "WM_SIZE_HINTS", "WM_PROTOCOLS", "WM_DELETE_WINDOW", "WM_CLIENT_MACHINE",
	"WM_TRANSIENT_FOR", "WM_CHANGE_STATE", "UTF8_STRING", "_NET_ACTIVE_WINDOW", "_NET_CURRENT_DESKTOP", "_NET_WORKAREA",
	"_NET_STARTUP_ID", "_NET_STARTUP_INFO", "_NET_STARTUP_INFO_BEGIN",
	"_NET_WM_NAME", "_NET_WM_PID", "_NET_WM_PING", "_NET_WM_ICON", "_NET_WM_USER_TIME",
	"_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_NORMAL", "_NET_WM_WINDOW_TYPE_DIALOG", "_NET_WM_WINDOW_TYPE_POPUP_MENU",
	"_NET_WM_STATE", "_NET_WM_STATE_FULLSCREEN", "_NET_WM_STATE_MAXIMIZED_VERT", "_NET_WM_STATE_MAXIMIZED_HORZ",
	"_NET_WM_STATE_HIDDEN", "_NET_WM_STATE_MODAL", "_NET_WM_MOVERESIZE", "_MOTIF_WM_HINTS",
	"XdndAware", "XdndEnter", "XdndPosition", "XdndStatus", "XdndLeave", "XdndDrop", "XdndFinished", "XdndSelection", "XdndTypeList",
	"XdndActionCopy", "text/uri-list", "HITHER_DROP",
}

// internAtoms asks for all atoms at once and then takes the answers.
func internAtoms(conn *xgb.Conn) (map[string]xproto.Atom, error) {
	cookies := make([]xproto.InternAtomCookie, len(atomNames))
	for i, name := range atomNames {
		cookies[i] = xproto.InternAtom(conn, false, uint16(len(name)), name)
	}
	atoms := make(map[string]xproto.Atom, len(atomNames))
	for i, name := range atomNames {
		reply, err := cookies[i].Reply()
		if err != nil {
			return nil, err
		}
		atoms[name] = reply.Atom
	}
	return atoms, nil
}
