package surface

import (
	"image"
	"runtime"
	"sync"
	"unsafe"

	"hither/mirror/codec"
)

// glass is the picture and its way onto the window, by GDI.
type glass struct {
	color [3]uint8

	mu      sync.Mutex // guards the fields below and the pixels
	hwnd    uintptr    // 0 before there is a window
	decoder *codec.Decoder
	picture *codec.Picture
	outer   image.Point // the window's inside
	full    bool
	pan     image.Point
}

// begin makes ready for the frames of a new view. What is on the glass stays.
func (g *glass) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.decoder != nil {
		g.decoder.Close()
	}
	g.decoder = newDecoder(func(width, height int) (*codec.Picture, error) {
		g.picture = codec.NewPicture(width, height) // Decode is called with mu held
		return g.picture, nil
	}, nil)
}

// frame decodes a frame and draws what changed.
func (g *glass) frame(b []byte) (codec.Update, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	update, err := g.decoder.Decode(b)
	if err != nil {
		return update, err
	}
	if update.Resized {
		g.draw()
	} else {
		g.onto(func(device uintptr) { g.put(device, merge(update.Dirty)) })
	}
	return update, nil
}

// where finds the frame's width and the picture's corner. It needs mu.
func (g *glass) where() (border int, area, origin image.Point) {
	size := g.size()
	border = borderOf(g.outer, size, g.full)
	area = image.Pt(max(1, g.outer.X-2*border), max(1, g.outer.Y-2*border))
	return border, area, place(area, size, g.pan)
}

// size needs mu.
func (g *glass) size() image.Point {
	if g.picture == nil {
		return image.Point{}
	}
	return g.picture.Bounds().Size()
}

// onto draws on the window from this thread. It needs mu.
func (g *glass) onto(draw func(device uintptr)) {
	if g.hwnd == 0 {
		return
	}
	runtime.LockOSThread() // a device is given back by the thread that took it
	defer runtime.UnlockOSThread()
	device, _, _ := getDC.Call(g.hwnd)
	if device == 0 {
		return // the window is going away
	}
	draw(device)
	gdiFlush.Call()
	releaseDC.Call(g.hwnd, device)
	postMessage.Call(g.hwnd, wmNull, 0, 0) // wine shows it when the window's thread looks for messages
}

// put draws rectangles of the picture. It needs mu.
func (g *glass) put(device uintptr, rects []image.Rectangle) {
	if g.picture == nil {
		return
	}
	border, area, origin := g.where()
	for _, r := range rects {
		r = visible(r.Intersect(g.picture.Bounds()), origin, area)
		if r.Empty() {
			continue
		}
		// Whole rows from the first one on, so that nothing depends on where
		// Windows counts the rows of a part from.
		rows := topDown(g.picture.Width, r.Dy())
		at := r.Min.Add(origin).Add(image.Pt(border, border))
		const copySource = 0x00cc0020
		stretchDIBits.Call(device, uintptr(at.X), uintptr(at.Y), uintptr(r.Dx()), uintptr(r.Dy()),
			uintptr(r.Min.X), 0, uintptr(r.Dx()), uintptr(r.Dy()),
			uintptr(unsafe.Pointer(&g.picture.Pix[r.Min.Y*g.picture.Stride])), uintptr(unsafe.Pointer(&rows)), 0, copySource)
	}
}

// draw draws everything. It needs mu.
func (g *glass) draw() { g.onto(g.drawTo) }

func (g *glass) drawTo(device uintptr) {
	border, area, origin := g.where()
	edge := image.Pt(border, border)
	host, black := brush(g.color), brush([3]uint8{})
	for _, r := range around(g.outer, image.Rectangle{Max: area}.Add(edge)) {
		fill(device, r, host)
	}
	for _, r := range around(area, image.Rectangle{Max: g.size()}.Add(origin)) {
		fill(device, r.Add(edge), black)
	}
	deleteObject.Call(host)
	deleteObject.Call(black)
	g.put(device, []image.Rectangle{{Max: g.size()}})
}

func brush(c [3]uint8) uintptr {
	b, _, _ := createSolidBrush.Call(uintptr(c[0]) | uintptr(c[1])<<8 | uintptr(c[2])<<16)
	return b
}

func fill(device uintptr, r image.Rectangle, brush uintptr) {
	rect := toRect(r)
	fillRect.Call(device, uintptr(unsafe.Pointer(&rect)), brush)
}

// paint answers WM_PAINT.
func (g *glass) paint(hwnd uintptr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var p winPaint
	if device, _, _ := beginPaint.Call(hwnd, uintptr(unsafe.Pointer(&p))); device != 0 {
		g.drawTo(device)
		endPaint.Call(hwnd, uintptr(unsafe.Pointer(&p)))
	}
}

// setOuter follows the window's size, and gives what a screen would have to be.
func (g *glass) setOuter(hwnd uintptr, size image.Point, full bool) (inner, picture image.Point) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hwnd != hwnd || g.outer != size || g.full != full {
		g.hwnd, g.outer, g.full = hwnd, size, full
		g.draw()
	}
	return size.Sub(image.Pt(2*frame, 2*frame)), g.size()
}

// point gives the picture's pixel under a point of the window, and moves a
// picture that is larger than the window along.
func (g *glass) point(at image.Point) image.Point {
	g.mu.Lock()
	defer g.mu.Unlock()
	border, area, origin := g.where()
	at = at.Sub(image.Pt(border, border))
	if pan := panTo(area, g.size(), at); pan != g.pan {
		g.pan = pan
		_, _, origin = g.where()
		g.draw()
	}
	return toSource(at, origin, g.size())
}

// dim darkens the last picture: it is no longer live.
func (g *glass) dim() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.picture != nil {
		darken(g.picture.Pix)
		g.draw()
	}
}

// leave draws on the window no more, and frees the decoder.
func (g *glass) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hwnd = 0
	if g.decoder != nil {
		g.decoder.Close()
	}
}
