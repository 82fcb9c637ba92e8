package capture

import (
	"context"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// HasDesktop says whether Desktop captures this system's desktop.
const HasDesktop = true

// coreGraphics is what is used of macOS's frameworks (CGDirectDisplay.h,
// CGImage.h, CGDataProvider.h, CGEvent.h, CFData.h).
type coreGraphics struct {
	mayLook   func() bool
	askToLook func() bool
	mayType   func() bool
	askToType func() bool

	mainDisplay func() uint32
	image       func(display uint32) unsafe.Pointer
	width       func(image unsafe.Pointer) uint
	height      func(image unsafe.Pointer) uint
	stride      func(image unsafe.Pointer) uint
	bits        func(image unsafe.Pointer) uint
	provider    func(image unsafe.Pointer) unsafe.Pointer
	data        func(provider unsafe.Pointer) unsafe.Pointer
	endImage    func(image unsafe.Pointer)
	bounds      func(display uint32) macRect

	bytes   func(data unsafe.Pointer) unsafe.Pointer
	length  func(data unsafe.Pointer) int
	release func(object unsafe.Pointer)

	keyEvent   func(source unsafe.Pointer, key uint16, down bool) unsafe.Pointer
	setText    func(event unsafe.Pointer, units uint, text *uint16)
	mouseEvent func(source unsafe.Pointer, kind uint32, at macPoint, button uint32) unsafe.Pointer
	wheelEvent func(source unsafe.Pointer, units, axes uint32, down, across, third int32) unsafe.Pointer
	setNumber  func(event unsafe.Pointer, field uint32, value int64)
	setFlags   func(event unsafe.Pointer, flags uint64)
	post       func(tap uint32, event unsafe.Pointer)
}

// macPoint is CGPoint, in points of the desktop.
type macPoint struct{ x, y float64 }

// macRect is CGRect.
type macRect struct{ x, y, width, height float64 }

// frameworks loads them when they are first needed.
var frameworks = sync.OnceValues(func() (*coreGraphics, error) {
	g := new(coreGraphics)
	for path, functions := range map[string]map[string]any{
		"/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics": {
			"CGPreflightScreenCaptureAccess": &g.mayLook, "CGRequestScreenCaptureAccess": &g.askToLook,
			"CGPreflightPostEventAccess": &g.mayType, "CGRequestPostEventAccess": &g.askToType,
			"CGMainDisplayID": &g.mainDisplay, "CGDisplayCreateImage": &g.image, "CGDisplayBounds": &g.bounds,
			"CGImageGetWidth": &g.width, "CGImageGetHeight": &g.height, "CGImageGetBytesPerRow": &g.stride,
			"CGImageGetBitsPerPixel": &g.bits, "CGImageGetDataProvider": &g.provider,
			"CGDataProviderCopyData": &g.data, "CGImageRelease": &g.endImage,
			"CGEventCreateKeyboardEvent": &g.keyEvent, "CGEventCreateMouseEvent": &g.mouseEvent,
			"CGEventKeyboardSetUnicodeString": &g.setText,
			"CGEventCreateScrollWheelEvent2":  &g.wheelEvent, "CGEventSetIntegerValueField": &g.setNumber,
			"CGEventSetFlags": &g.setFlags, "CGEventPost": &g.post,
		},
		"/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation": {
			"CFDataGetBytePtr": &g.bytes, "CFDataGetLength": &g.length, "CFRelease": &g.release,
		},
	} {
		handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err != nil {
			return nil, failed(desktopOp, "", fusion.ErrUnsupported, err.Error(), "")
		}
		for name, function := range functions {
			symbol, err := purego.Dlsym(handle, name)
			if err != nil {
				return nil, failed(desktopOp, "", fusion.ErrUnsupported, err.Error(), "macOS 11 to 15 have it")
			}
			purego.RegisterFunc(function, symbol)
		}
	}
	return g, nil
})

// mac is the main display.
type mac struct {
	*coreGraphics
	hand macHand
}

// Desktop captures the main display through CoreGraphics and gives input through
// CGEventPost. It is untested: it compiles, and no Mac was at hand. It promises
// ErrPermission until the person has allowed both in the system's settings,
// which it makes the system ask for. The pointer's shape is not captured.
func Desktop(context.Context) (Source, error) {
	g, err := frameworks()
	if err != nil {
		return nil, err
	}
	const where = "open System Settings, Privacy & Security, and allow this program under "
	if !g.mayLook() && !g.askToLook() {
		return nil, failed(desktopOp, "", fusion.ErrPermission, "macOS does not let this program see the screen",
			where+"Screen & System Audio Recording; then start the node again")
	}
	if !g.mayType() {
		g.askToType() // looking works without it
	}
	return newPolled(&mac{coreGraphics: g, hand: macHand{lib: g}}), nil
}

func (m *mac) look(p *codec.Picture) (*codec.Picture, error) {
	image := m.image(m.mainDisplay())
	if image == nil {
		return nil, failed(desktopOp, "", fusion.ErrPermission, "the screen cannot be read",
			"the display may be asleep, or the permission was taken away")
	}
	defer m.endImage(image)
	data := m.data(m.provider(image))
	if data == nil {
		return nil, failed(desktopOp, "", fusion.ErrUnsupported, "the screen's pixels", "")
	}
	defer m.release(data)
	w, h, stride := int(m.width(image)), int(m.height(image)), int(m.stride(image))
	if m.bits(image) != 32 || w < 1 || h < 1 || w*h > codec.MaxPixels || stride < w*4 || m.length(data) < stride*(h-1)+w*4 {
		return nil, failed(desktopOp, "", fusion.ErrUnsupported, "the screen's pixels have another format", "")
	}
	pix := unsafe.Slice((*byte)(m.bytes(data)), m.length(data)) // B G R X
	if p == nil || p.Width != w || p.Height != h {
		p = codec.NewPicture(w, h)
	}
	for y := range h {
		copy(p.Pix[y*p.Stride:], pix[y*stride:][:w*4])
	}
	m.hand.resize(w, h)
	return p, nil
}

func (m *mac) input(event wire.Message) error { return m.hand.input(event) }

func (m *mac) close() {}
