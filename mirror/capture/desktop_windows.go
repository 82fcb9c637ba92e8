package capture

import (
	"context"
	"unsafe"

	"golang.org/x/sys/windows"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// HasDesktop says whether Desktop captures this system's desktop.
const HasDesktop = true

var (
	user32 = windows.NewLazySystemDLL("user32.dll")
	gdi32  = windows.NewLazySystemDLL("gdi32.dll")

	getDC            = user32.NewProc("GetDC")
	releaseDC        = user32.NewProc("ReleaseDC")
	getSystemMetrics = user32.NewProc("GetSystemMetrics")
	sendInput        = user32.NewProc("SendInput")

	createCompatibleDC = gdi32.NewProc("CreateCompatibleDC")
	createDIBSection   = gdi32.NewProc("CreateDIBSection")
	selectObject       = gdi32.NewProc("SelectObject")
	bitBlt             = gdi32.NewProc("BitBlt")
	gdiFlush           = gdi32.NewProc("GdiFlush")
	deleteObject       = gdi32.NewProc("DeleteObject")
	deleteDC           = gdi32.NewProc("DeleteDC")
)

// bitmapInfo is BITMAPINFOHEADER of wingdi.h.
type bitmapInfo struct {
	size          uint32
	width, height int32
	planes, bits  uint16
	compression   uint32
	imageSize     uint32
	xPels, yPels  int32
	used, needed  uint32
}

// gdi is the primary monitor, copied by GDI.
type gdi struct {
	device, bitmap uintptr
	pix            []byte // the bitmap's
	width, height  int
	hand           winHand
}

// Desktop captures the primary monitor through GDI and gives input through
// SendInput. It is untested on Windows itself. The pointer's shape is not
// captured; the desktop of User Account Control and the lock screen are out of
// reach. It promises ErrUnsupported for a session without a desktop.
func Desktop(context.Context) (Source, error) {
	g := new(gdi)
	if _, err := g.look(nil); err != nil {
		g.close()
		return nil, err
	}
	return newPolled(g), nil
}

func metric(index uintptr) int {
	n, _, _ := getSystemMetrics.Call(index)
	return int(int32(n))
}

func (g *gdi) look(p *codec.Picture) (*codec.Picture, error) {
	const width, height = 0, 1 // SM_CXSCREEN, SM_CYSCREEN
	if w, h := metric(width), metric(height); w != g.width || h != g.height {
		if err := g.resize(w, h); err != nil {
			return nil, err
		}
	}
	screen, _, err := getDC.Call(0)
	if screen == 0 {
		return nil, noDesktop(err)
	}
	defer releaseDC.Call(0, screen)
	const copySource, withLayers = 0x00cc0020, 0x40000000 // SRCCOPY, CAPTUREBLT
	if ok, _, err := bitBlt.Call(g.device, 0, 0, uintptr(g.width), uintptr(g.height), screen, 0, 0, copySource|withLayers); ok == 0 {
		return nil, noDesktop(err)
	}
	gdiFlush.Call()
	if p == nil || p.Width != g.width || p.Height != g.height {
		p = codec.NewPicture(g.width, g.height)
	}
	copy(p.Pix, g.pix)
	return p, nil
}

func noDesktop(err error) error {
	return failed(desktopOp, "", fusion.ErrUnsupported, "the desktop cannot be read: "+err.Error(),
		"start the node as the person who is logged in, not as a service")
}

// resize makes a bitmap of the monitor's size.
func (g *gdi) resize(w, h int) error {
	g.close()
	if w <= 0 || h <= 0 || w*h > codec.MaxPixels {
		return failed(desktopOp, "", fusion.ErrUnsupported, "the screen's size", "")
	}
	device, _, err := createCompatibleDC.Call(0)
	if device == 0 {
		return noDesktop(err)
	}
	g.device = device
	info := bitmapInfo{width: int32(w), height: -int32(h), planes: 1, bits: 32} // rows top down
	info.size = uint32(unsafe.Sizeof(info))
	var pix unsafe.Pointer
	g.bitmap, _, err = createDIBSection.Call(device, uintptr(unsafe.Pointer(&info)), 0, uintptr(unsafe.Pointer(&pix)), 0, 0)
	if g.bitmap == 0 || pix == nil {
		return noDesktop(err)
	}
	selectObject.Call(device, g.bitmap)
	g.width, g.height, g.pix = w, h, unsafe.Slice((*byte)(pix), w*h*4)
	return nil
}

func (g *gdi) input(event wire.Message) error { return g.hand.input(event) }

func (g *gdi) close() {
	if g.device != 0 {
		deleteDC.Call(g.device)
	}
	if g.bitmap != 0 {
		deleteObject.Call(g.bitmap)
	}
	g.device, g.bitmap, g.pix, g.width, g.height = 0, 0, nil, 0, 0
}
