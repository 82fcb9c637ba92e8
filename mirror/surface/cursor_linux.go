package surface

import (
	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"

	"hither/mirror/codec"
)

// pointer shows the remote cursor as this display's own, so that it moves
// without delay. A display without XRender keeps its arrow.
type pointer struct {
	win    *window
	format render.Pictformat // 0 without XRender
	cursor xproto.Cursor     // the one shown, 0 for the display's own
}

func newPointer(win *window) *pointer {
	p := &pointer{win: win}
	if useExtension(win.conn, "RENDER") != nil {
		return p
	}
	if _, err := render.QueryVersion(win.conn, 0, 11).Reply(); err != nil {
		return p
	}
	formats, err := render.QueryPictFormats(win.conn).Reply()
	if err != nil {
		return p
	}
	for _, f := range formats.Formats {
		d := f.Direct
		if f.Depth == 32 && d.AlphaMask == 0xff && d.AlphaShift == 24 && d.RedShift == 16 && d.GreenShift == 8 && d.BlueShift == 0 {
			p.format = f.Id
			break
		}
	}
	return p
}

// show makes c the cursor over the picture.
func (p *pointer) show(c *codec.Cursor) error {
	if p.format == 0 {
		return nil
	}
	pixels, width, height := premultiply(c)
	cursor, err := p.create(pixels, width, height, min(c.HotX, width-1), min(c.HotY, height-1))
	if err != nil {
		return err
	}
	conn := p.win.conn
	xproto.ChangeWindowAttributes(conn, p.win.area, xproto.CwCursor, []uint32{uint32(cursor)})
	if p.cursor != 0 {
		xproto.FreeCursor(conn, p.cursor)
	}
	p.cursor = cursor
	return nil
}

func (p *pointer) create(pixels []byte, width, height, hotX, hotY int) (xproto.Cursor, error) {
	conn := p.win.conn
	pixmap, err := xproto.NewPixmapId(conn)
	if err != nil {
		return 0, err
	}
	gc, err := xproto.NewGcontextId(conn)
	if err != nil {
		return 0, err
	}
	picture, err := render.NewPictureId(conn)
	if err != nil {
		return 0, err
	}
	cursor, err := xproto.NewCursorId(conn)
	if err != nil {
		return 0, err
	}
	const depth = 32
	w, h := uint16(width), uint16(height)
	xproto.CreatePixmap(conn, depth, pixmap, xproto.Drawable(p.win.outer), w, h)
	xproto.CreateGC(conn, gc, xproto.Drawable(pixmap), 0, nil)
	rows := max(1, maxPut/width)
	for y := 0; y < height; y += rows {
		n := min(rows, height-y)
		xproto.PutImage(conn, xproto.ImageFormatZPixmap, xproto.Drawable(pixmap), gc, w, uint16(n), 0, int16(y),
			0, depth, pixels[y*width*4:(y+n)*width*4])
	}
	render.CreatePicture(conn, picture, xproto.Drawable(pixmap), p.format, 0, nil)
	err = render.CreateCursorChecked(conn, cursor, picture, uint16(hotX), uint16(hotY)).Check()
	render.FreePicture(conn, picture)
	xproto.FreeGC(conn, gc)
	xproto.FreePixmap(conn, pixmap)
	return cursor, err
}
