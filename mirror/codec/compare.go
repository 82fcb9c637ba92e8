package codec

import (
	"bytes"
	"image"
	"unsafe"
)

// mask1 leaves out the padding byte of a pixel, which means nothing.
const mask1 = 0x00ffffff

// pixels sees bytes of a row as pixels. Rows begin at multiples of 4 bytes.
func pixels(b []byte) []uint32 {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), len(b)/4)
}

// sameRow says whether two rows of one length show the same.
func sameRow(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return firstDifferent(pixels(a), pixels(b), len(a)/4) == len(a)/4
}

// grow makes r, a place that changed or nothing yet, hold what differs in the
// rows p and q of its tile too. The rows begin at column left of row y.
func grow(r *image.Rectangle, p, q []uint32, left, y int) {
	x0, x1 := r.Min.X-left, r.Max.X-left
	if r.Empty() {
		x0, x1 = len(p), 0
	}
	x0 = firstDifferent(p, q, x0)
	x1 = lastDifferent(p, q, max(x0, x1))
	switch {
	case x1 == x0: // nothing
	case r.Empty():
		*r = image.Rect(left+x0, y, left+x1, y+1)
	default:
		r.Min.X, r.Max.X, r.Max.Y = left+x0, left+x1, y+1
	}
}

// firstDifferent gives the first index below limit where p and q differ, or limit.
func firstDifferent(p, q []uint32, limit int) int {
	for i := range limit {
		if (p[i]^q[i])&mask1 != 0 {
			return i
		}
	}
	return limit
}

// lastDifferent gives the end of the last difference beyond limit, or limit.
func lastDifferent(p, q []uint32, limit int) int {
	for i := len(p); i > limit; i-- {
		if (p[i-1]^q[i-1])&mask1 != 0 {
			return i
		}
	}
	return limit
}
