package surface

import (
	"image"
	"sync"
	"sync/atomic"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/codec"
)

// geometry is where things stand in the window. It is never changed, only
// replaced, so that input finds it without waiting for a frame.
type geometry struct {
	outer   image.Point // the window without its manager's decoration
	area    image.Point // the part that shows the picture
	picture image.Point
	origin  image.Point // the picture's corner in the area
	pan     image.Point
}

// glass is the picture and its way onto the window.
type glass struct {
	win    *window
	corner bool // the picture stands in the corner, but in full screen, and never moves
	geo    atomic.Pointer[geometry]
	played func(full bool) // told of video; nil is nobody

	mu      sync.Mutex // guards the fields below and the pixels
	decoder *codec.Decoder
	image   *sharedImage
	full    bool   // full screen
	ground  uint32 // colour of the area where no picture is
}

// newGlass makes the glass of a window whose area has a size, for a picture of
// another.
func newGlass(win *window, area, picture image.Point) *glass {
	g := &glass{win: win}
	g.geo.Store(&geometry{outer: area.Add(image.Pt(2*win.frame, 2*win.frame)), area: area, picture: picture,
		origin: place(area, picture, image.Point{})})
	return g
}

// place finds the picture's corner in the area.
func (g *glass) place(area, picture, pan image.Point) image.Point {
	if g.corner && !g.full {
		return image.Point{}
	}
	return place(area, picture, pan)
}

// begin makes ready for the frames of a new view, the first of which is a key
// frame. What is on the glass stays until then.
func (g *glass) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.decoder != nil {
		g.decoder.Close()
	}
	g.decoder = newDecoder(g.alloc, g.played)
}

// alloc makes the memory of a picture of another size; it is called by Decode.
func (g *glass) alloc(width, height int) (*codec.Picture, error) {
	fresh, err := newSharedImage(g.win.display, width, height)
	if err != nil {
		return nil, err
	}
	old := g.image
	g.image = fresh
	return fresh.picture, old.free()
}

// frame decodes a frame and draws what changed. It returns when the display
// shows it.
func (g *glass) frame(b []byte) (codec.Update, error) {
	update, err := g.decodeAndPut(b)
	if err != nil {
		return update, err
	}
	return update, g.win.sync()
}

func (g *glass) decodeAndPut(b []byte) (codec.Update, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	update, err := g.decoder.Decode(b)
	if err != nil {
		return update, err
	}
	if update.Resized {
		g.layout()
		return update, nil
	}
	g.put(merge(update.Dirty))
	return update, nil
}

// put draws rectangles of the picture, as far as they can be seen.
func (g *glass) put(rects []image.Rectangle) {
	if g.image == nil {
		return
	}
	geo := g.geo.Load()
	for _, r := range rects {
		r = r.Intersect(g.image.picture.Bounds())
		if r = visible(r, geo.origin, geo.area); !r.Empty() {
			g.image.put(g.win, r, r.Min.Add(geo.origin))
		}
	}
}

// layout finds places anew after a size has changed, and draws everything.
func (g *glass) layout() {
	geo := *g.geo.Load()
	if g.image != nil {
		geo.picture = g.image.picture.Bounds().Size()
	}
	border := borderOf(geo.outer, geo.picture, g.full)
	if g.win.frame == 0 {
		border = 0
	}
	area := image.Pt(max(1, geo.outer.X-2*border), max(1, geo.outer.Y-2*border))
	if area != geo.area {
		g.win.resizeArea(area, border)
	}
	g.paintGround()
	geo.area = area
	geo.origin = g.place(area, geo.picture, geo.pan)
	g.geo.Store(&geo)
	g.redraw()
}

// paintGround makes what a window gains while it grows look like the picture's
// last corner, until the host has drawn it: black would flash.
func (g *glass) paintGround() {
	color := uint32(0)
	if g.corner && !g.full && g.image != nil {
		pix := g.image.picture.Pix
		last := pix[len(pix)-4:]
		color = uint32(last[2])<<16 | uint32(last[1])<<8 | uint32(last[0])
	}
	if color != g.ground {
		g.ground = color
		xproto.ChangeWindowAttributes(g.win.conn, g.win.area, xproto.CwBackPixel, []uint32{color})
	}
}

// redraw draws the picture and the black around it.
func (g *glass) redraw() {
	geo := g.geo.Load()
	picture := image.Rectangle{Max: geo.picture}.Add(geo.origin)
	for _, r := range around(geo.area, picture) {
		w, h := wireSize(r.Size())
		xproto.ClearArea(g.win.conn, false, g.win.area, int16(r.Min.X), int16(r.Min.Y), w, h)
	}
	g.put([]image.Rectangle{{Max: geo.picture}})
}

// exposed draws again what another window had covered.
func (g *glass) exposed(r image.Rectangle) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.put([]image.Rectangle{r.Sub(g.geo.Load().origin)})
}

// setOuter follows the window's new size.
func (g *glass) setOuter(size image.Point) {
	g.mu.Lock()
	defer g.mu.Unlock()
	geo := *g.geo.Load()
	if geo.outer == size {
		return
	}
	geo.outer = size
	g.geo.Store(&geo)
	g.layout()
}

// setFull follows the window into full screen and out of it.
func (g *glass) setFull(full bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.full != full {
		g.full = full
		g.layout()
	}
}

// panWith moves a picture that is larger than the window along with the
// pointer.
func (g *glass) panWith(pointer image.Point) {
	geo := g.geo.Load()
	if g.corner || geo.picture.X <= geo.area.X && geo.picture.Y <= geo.area.Y {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	moved := *g.geo.Load()
	moved.pan = panTo(moved.area, moved.picture, pointer)
	moved.origin = g.place(moved.area, moved.picture, moved.pan)
	if moved != *g.geo.Load() {
		g.geo.Store(&moved)
		g.redraw()
	}
}

// border is how wide the frame is now.
func (g *glass) border() int {
	geo := g.geo.Load()
	return max(0, geo.outer.X-geo.area.X) / 2
}

// dim darkens the last picture: it is no longer live.
func (g *glass) dim() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.image != nil {
		darken(g.image.picture.Pix)
		g.redraw()
	}
}

// close frees the picture.
func (g *glass) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.decoder != nil {
		g.decoder.Close()
	}
	old := g.image
	g.image = nil
	return old.free()
}
