package surface

import (
	"github.com/jezek/xgb"
	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"

	"hither/mirror/codec"
)

// pointer shows the remote cursor over a window as this display's own, so that
// it moves without delay. A display without XRender keeps its arrow.
type pointer struct {
	win     *window
	ids     cursorIDs
	cursors [2]xproto.Cursor // taken in turn: a new one is shown before the old one goes
	shown   int              // how many were shown
}

// cursorIDs are what a cursor is made of. They are used again and again, as a
// connection has a bounded number of them.
type cursorIDs struct {
	pixmap  xproto.Pixmap
	gc      xproto.Gcontext
	picture render.Picture
}

// cursorFormat finds the format of pixels with alpha; 0 without XRender.
func cursorFormat(conn *xgb.Conn) render.Pictformat {
	if useExtension(conn, "RENDER") != nil {
		return 0
	}
	if _, err := render.QueryVersion(conn, 0, 11).Reply(); err != nil {
		return 0
	}
	formats, err := render.QueryPictFormats(conn).Reply()
	if err != nil {
		return 0
	}
	for _, f := range formats.Formats {
		d := f.Direct
		if f.Depth == 32 && d.AlphaMask == 0xff && d.AlphaShift == 24 && d.RedShift == 16 && d.GreenShift == 8 && d.BlueShift == 0 {
			return f.Id
		}
	}
	return 0
}

// show makes c the cursor over the picture.
func (p *pointer) show(c *codec.Cursor) error {
	if p.win.argb == 0 {
		return nil
	}
	if p.shown == 0 {
		if err := p.makeIDs(); err != nil {
			return err
		}
	}
	pixels, width, height := premultiply(c)
	cursor := p.cursors[p.shown%2]
	if err := p.create(cursor, pixels, width, height, min(c.HotX, width-1), min(c.HotY, height-1)); err != nil {
		return err
	}
	xproto.ChangeWindowAttributes(p.win.conn, p.win.area, xproto.CwCursor, []uint32{uint32(cursor)})
	if p.shown > 0 {
		xproto.FreeCursor(p.win.conn, p.cursors[(p.shown-1)%2])
	}
	p.shown++
	return nil
}

func (p *pointer) makeIDs() (err error) {
	conn := p.win.conn
	if p.ids.pixmap, err = xproto.NewPixmapId(conn); err != nil {
		return err
	}
	if p.ids.gc, err = xproto.NewGcontextId(conn); err != nil {
		return err
	}
	if p.ids.picture, err = render.NewPictureId(conn); err != nil {
		return err
	}
	for i := range p.cursors {
		if p.cursors[i], err = xproto.NewCursorId(conn); err != nil {
			return err
		}
	}
	return nil
}

func (p *pointer) create(cursor xproto.Cursor, pixels []byte, width, height, hotX, hotY int) error {
	const depth = 32
	conn, ids := p.win.conn, p.ids
	w, h := uint16(width), uint16(height)
	xproto.CreatePixmap(conn, depth, ids.pixmap, xproto.Drawable(p.win.screen.Root), w, h)
	xproto.CreateGC(conn, ids.gc, xproto.Drawable(ids.pixmap), 0, nil)
	rows := max(1, maxPut/width)
	for y := 0; y < height; y += rows {
		n := min(rows, height-y)
		xproto.PutImage(conn, xproto.ImageFormatZPixmap, xproto.Drawable(ids.pixmap), ids.gc, w, uint16(n), 0, int16(y),
			0, depth, pixels[y*width*4:(y+n)*width*4])
	}
	render.CreatePicture(conn, ids.picture, xproto.Drawable(ids.pixmap), p.win.argb, 0, nil)
	err := render.CreateCursorChecked(conn, cursor, ids.picture, uint16(hotX), uint16(hotY)).Check()
	render.FreePicture(conn, ids.picture)
	xproto.FreeGC(conn, ids.gc)
	xproto.FreePixmap(conn, ids.pixmap)
	return err
}

// free takes the cursor from the display.
func (p *pointer) free() {
	if p.shown > 0 {
		xproto.FreeCursor(p.win.conn, p.cursors[(p.shown-1)%2])
	}
}
