package surface

import (
	"image"
	"math"

	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/mirror/wire"
)

// heldMouse is the mouse that a window holds.
type heldMouse struct {
	*mouse
	pane *pane
}

// pointing notes how the screen takes the pointer, and says what to do about it.
func (v *view) pointing(m wire.Pointing) {
	v.relative.Store(m.Relative)
	if p := v.on; p != nil && m.Relative && !v.viewOnly.Load() {
		v.overlay.note(p, "This machine takes a mouse. Click to hold it here; Ctrl+Alt+G lets it go")
	}
}

// holds says whether a press in a window takes the mouse rather than reach the screen.
func (v *view) holds(h *hands, p *pane) bool {
	return h.mouse == nil && p.single() && v.relative.Load() && !v.viewOnly.Load() && v.online()
}

// holdMouse keeps the pointer in a window and hides it, until Ctrl+Alt+G or until the
// focus is lost.
func (v *view) holdMouse(h *hands, p *pane, time xproto.Timestamp) {
	hidden, err := v.noCursor()
	if err == nil {
		const events = xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease | xproto.EventMaskPointerMotion
		var grab *xproto.GrabPointerReply
		grab, err = xproto.GrabPointer(v.display.conn, false, p.win.area, events, xproto.GrabModeAsync, xproto.GrabModeAsync,
			p.win.area, hidden, time).Reply()
		if err == nil && grab.Status != xproto.GrabStatusSuccess {
			err = opError(fusion.ErrBusy, "another program holds the mouse", "")
		}
	}
	if err != nil {
		v.cfg.Log.Debug("the mouse is not held", "err", err)
		v.overlay.note(p, "The mouse cannot be held: another program has it")
		return
	}
	area := p.glass.geo.Load().area
	h.mouse = &heldMouse{newMouse(area), p}
	v.warp(h.mouse)
	v.overlay.note(p, "Mouse held. Ctrl+Alt+G lets it go")
}

func (v *view) warp(m *heldMouse) {
	xproto.WarpPointer(v.display.conn, 0, m.pane.win.area, 0, 0, 0, 0, int16(m.middle.X), int16(m.middle.Y))
}

// letMouseGo gives the mouse back, if it is held.
func (v *view) letMouseGo(h *hands) {
	if h.mouse == nil {
		return
	}
	v.flushMouse(h)
	h.mouse = nil
	xproto.UngrabPointer(v.display.conn, xproto.TimeCurrentTime)
}

// flushMouse tells how far the mouse moved, and puts the pointer back in the middle.
func (v *view) flushMouse(h *hands) {
	m := h.mouse
	if m == nil {
		return
	}
	if by := m.take(); by != (image.Point{}) {
		v.input(m.pane, wire.Motion{DX: distance(by.X), DY: distance(by.Y)})
	}
	if area := m.pane.glass.geo.Load().area; m.strays(area) {
		m.center(area)
		v.warp(m)
	}
}

func distance(d int) int16 { return int16(max(math.MinInt16, min(d, math.MaxInt16))) }

// checkMouse lets the mouse go once its screen takes none any more, or is gone.
func (v *view) checkMouse(h *hands) {
	if h.mouse != nil && (!v.relative.Load() || v.pane(h.mouse.pane.id) != h.mouse.pane) {
		v.letMouseGo(h)
	}
}

// noCursor gives a cursor that is not seen. A connection has a bounded number of
// names, so it is made once.
func (v *view) noCursor() (xproto.Cursor, error) {
	if v.hidden != 0 {
		return v.hidden, nil
	}
	conn := v.display.conn
	pixmap, err := xproto.NewPixmapId(conn)
	if err != nil {
		return 0, err
	}
	gc, err := xproto.NewGcontextId(conn)
	if err != nil {
		return 0, err
	}
	id, err := xproto.NewCursorId(conn)
	if err != nil {
		return 0, err
	}
	xproto.CreatePixmap(conn, 1, pixmap, xproto.Drawable(v.display.screen.Root), 1, 1)
	xproto.CreateGC(conn, gc, xproto.Drawable(pixmap), xproto.GcForeground, []uint32{0})
	xproto.PolyFillRectangle(conn, xproto.Drawable(pixmap), gc, []xproto.Rectangle{{Width: 1, Height: 1}})
	made := xproto.CreateCursorChecked(conn, id, pixmap, pixmap, 0, 0, 0, 0, 0, 0, 0, 0)
	xproto.FreeGC(conn, gc)
	xproto.FreePixmap(conn, pixmap)
	if err := made.Check(); err != nil {
		return 0, err
	}
	v.hidden = id
	return id, nil
}
