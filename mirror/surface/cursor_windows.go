package surface

import (
	"unsafe"

	"hither/mirror/codec"
)

// makeCursor makes a cursor of this session of a host's; 0 if that fails. Its
// colours have the alpha multiplied in, as Windows draws them.
func makeCursor(c *codec.Cursor) uintptr {
	pixels, w, h := premultiply(c)
	color, _, _ := createBitmap.Call(uintptr(w), uintptr(h), 1, 32, uintptr(unsafe.Pointer(&pixels[0])))
	// The mask counts only where there is no alpha at all: of a hidden cursor it
	// must leave the screen as it is.
	mask := make([]byte, (w+15)/16*2*h)
	for i := range mask {
		mask[i] = 0xff
	}
	bits, _, _ := createBitmap.Call(uintptr(w), uintptr(h), 1, 1, uintptr(unsafe.Pointer(&mask[0])))
	info := winIcon{hotX: uint32(min(c.HotX, w-1)), hotY: uint32(min(c.HotY, h-1)), mask: bits, color: color}
	cursor, _, _ := createIcon.Call(uintptr(unsafe.Pointer(&info)))
	deleteObject.Call(color)
	deleteObject.Call(bits)
	return cursor
}
