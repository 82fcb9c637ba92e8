package surface

import (
	"image"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// grip is how near to the edge of its picture an app may have handles.
const grip = 12

// press is where the left button went down.
type press struct {
	pane     *pane
	at, root image.Point // in the picture, and on the display
}

// notePress keeps where the left button is held.
func (v *view) notePress(p *pane, e xproto.ButtonPressEvent, down bool) {
	switch {
	case e.Detail != xproto.ButtonIndex1:
	case down:
		at := image.Pt(int(e.EventX), int(e.EventY)).Sub(p.glass.geo.Load().origin)
		v.press.Store(&press{p, at, image.Pt(int(e.RootX), int(e.RootY))})
	default:
		v.press.Store(nil)
	}
}

// takesOver says whether the host's change of a window is its person's, who
// drags it by the title bar or the edge that the app draws itself. The app's
// desktop moves it then with a pointer whose place counts from the window, which
// moves here only after that. So the manager here goes on with it, and the host
// hears that the button was let go.
func (v *view) takesOver(p *pane, before, m wire.Window) bool {
	if m.Flags&wire.SelfDecorated == 0 || v.viewOnly.Load() {
		return false
	}
	if p.dragged.Load() {
		p.places.hold()
		p.rest.ask(func() { v.rested(p) })
		return true
	}
	held := v.press.Load()
	if held == nil || held.pane != p {
		return false
	}
	how := move
	if was := rectOf(before); was.Size() != rectOf(m).Size() {
		if how = edgeAt(held.at, was.Size(), grip); how == move {
			return false // it resized itself
		}
	}
	v.press.CompareAndSwap(held, nil)
	p.dragged.Store(true)
	p.places.hold()
	v.input(p, wire.Button{Button: wire.LeftButton})
	p.win.drag(held.root, how)
	p.rest.ask(func() { v.rested(p) })
	return true
}

// drag asks the window manager to move or resize the window with the pointer,
// whose left button went down at root.
func (w *window) drag(root image.Point, how direction) {
	const left, fromApplication = 1, 1
	xproto.UngrabPointer(w.conn, xproto.TimeCurrentTime) // the button was pressed in our window
	w.toManager(w.outer, "_NET_WM_MOVERESIZE", uint32(int32(root.X)), uint32(int32(root.Y)), uint32(how), left, fromApplication)
}

// frameButton resizes a window by its frame.
func (v *view) frameButton(p *pane, e xproto.ButtonPressEvent, down bool) {
	if how := p.frameEdge(e.EventX, e.EventY); down && e.Detail == xproto.ButtonIndex1 && how != move {
		p.win.drag(image.Pt(int(e.RootX), int(e.RootY)), how)
	}
}

// frameEdge gives the edge of the frame under a place of the window; move is
// none, as when the window fills the desktop.
func (p *pane) frameEdge(x, y int16) direction {
	if p.single() {
		return move
	}
	if _, stands := p.stands.both(); stands&filling != 0 {
		return move
	}
	return edgeAt(image.Pt(int(x), int(y)), p.glass.geo.Load().outer, p.win.frame)
}

// frameMotion shows what the frame under the pointer does.
func (v *view) frameMotion(p *pane, e xproto.MotionNotifyEvent) {
	how := p.frameEdge(e.EventX, e.EventY)
	if how == p.win.points {
		return
	}
	p.win.points = how
	xproto.ChangeWindowAttributes(p.win.conn, p.win.outer, xproto.CwCursor, []uint32{uint32(p.win.edgeCursor(how))})
}

// edgeGlyphs are the shapes of the standard cursor font, by direction.
var edgeGlyphs = [...]uint16{northWest: 134, north: 138, northEast: 136, east: 96, southEast: 14, south: 16, southWest: 12, west: 70}

// edgeCursor gives the cursor for an edge, made once for a display; 0 is that
// of the desktop. The event loop's own.
func (d *display) edgeCursor(how direction) xproto.Cursor {
	if how == move {
		return 0
	}
	if d.edges[how] != 0 {
		return d.edges[how]
	}
	font, err := xproto.NewFontId(d.conn)
	if err != nil {
		return 0
	}
	cursor, err := xproto.NewCursorId(d.conn)
	if err != nil {
		return 0
	}
	const white = 1<<16 - 1
	name, glyph := "cursor", edgeGlyphs[how]
	xproto.OpenFont(d.conn, font, uint16(len(name)), name)
	made := xproto.CreateGlyphCursorChecked(d.conn, cursor, font, font, glyph, glyph+1, 0, 0, 0, white, white, white)
	xproto.CloseFont(d.conn, font)
	if made.Check() != nil {
		return 0 // the server has no such font
	}
	d.edges[how] = cursor
	return cursor
}
