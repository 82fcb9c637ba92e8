package surface

import (
	"image"

	"github.com/jezek/xgb/xproto"
)

// label is a small window over a picture that shows text. What the person does
// over it goes to the picture. The display draws it again by itself.
type label struct {
	pane   *pane
	id     xproto.Window
	pixmap xproto.Pixmap
	size   image.Point
	place  func(area, size image.Point) image.Point
}

// labelMargin is how far a label stands from the window's edge.
const labelMargin = 12

func topLeft(area, size image.Point) image.Point {
	return image.Pt(labelMargin, min(labelMargin, max(0, area.Y-size.Y)))
}

func topRight(area, size image.Point) image.Point {
	return image.Pt(max(0, area.X-size.X-labelMargin), min(labelMargin, max(0, area.Y-size.Y)))
}

func bottomMiddle(area, size image.Point) image.Point {
	return image.Pt(max(0, (area.X-size.X)/2), max(0, area.Y-size.Y-labelMargin))
}

// newLabel puts a picture over a window's.
func newLabel(p *pane, place func(area, size image.Point) image.Point, picture *image.RGBA) (*label, error) {
	conn := p.win.conn
	l := &label{pane: p, place: place, size: picture.Bounds().Size()}
	var err error
	if l.id, err = xproto.NewWindowId(conn); err != nil {
		return nil, err
	}
	if l.pixmap, err = xproto.NewPixmapId(conn); err != nil {
		return nil, err
	}
	at := place(p.glass.geo.Load().area, l.size)
	w, h := wireSize(l.size)
	xproto.CreatePixmap(conn, p.win.screen.RootDepth, l.pixmap, xproto.Drawable(p.win.screen.Root), w, h)
	xproto.CreateWindow(conn, p.win.screen.RootDepth, l.id, p.win.area, int16(at.X), int16(at.Y), w, h, 0,
		xproto.WindowClassInputOutput, p.win.screen.RootVisual, 0, nil)
	l.draw(picture)
	xproto.MapWindow(conn, l.id)
	return l, nil
}

// draw shows another picture of the same size.
func (l *label) draw(picture *image.RGBA) {
	win := l.pane.win
	pixels := make([]byte, len(picture.Pix))
	for i := 0; i+3 < len(pixels); i += 4 {
		pixels[i], pixels[i+1], pixels[i+2] = picture.Pix[i+2], picture.Pix[i+1], picture.Pix[i]
	}
	w, h := wireSize(l.size)
	rows := max(1, maxPut/l.size.X)
	for y := 0; y < l.size.Y; y += rows {
		n := min(rows, l.size.Y-y)
		xproto.PutImage(win.conn, xproto.ImageFormatZPixmap, xproto.Drawable(l.pixmap), win.gc, w, uint16(n), 0, int16(y),
			0, win.screen.RootDepth, pixels[y*l.size.X*4:(y+n)*l.size.X*4])
	}
	xproto.ChangeWindowAttributes(win.conn, l.id, xproto.CwBackPixmap, []uint32{uint32(l.pixmap)})
	xproto.ClearArea(win.conn, false, l.id, 0, 0, w, h)
}

// move finds its place in a window of another size.
func (l *label) move() {
	at := l.place(l.pane.glass.geo.Load().area, l.size)
	xproto.ConfigureWindow(l.pane.win.conn, l.id, xproto.ConfigWindowX|xproto.ConfigWindowY,
		[]uint32{uint32(at.X), uint32(at.Y)})
}

func (l *label) free() {
	xproto.DestroyWindow(l.pane.win.conn, l.id)
	xproto.FreePixmap(l.pane.win.conn, l.pixmap)
}
