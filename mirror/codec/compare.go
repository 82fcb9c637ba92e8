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
	p, q := pixels(a), pixels(b)
	for i := range p {
		if (p[i]^q[i])&mask1 != 0 {
			return false
		}
	}
	return true
}

// changed gives the smallest rectangle inside r that holds every pixel of r in
// which the two pictures differ.
func changed(a, b *Picture, r image.Rectangle) image.Rectangle {
	var out image.Rectangle
	x0, x1 := r.Max.X, r.Min.X
	for y := r.Min.Y; y < r.Max.Y; y++ {
		p, q := a.row(y, r.Min.X, r.Max.X), b.row(y, r.Min.X, r.Max.X)
		if sameRow(p, q) {
			continue
		}
		if x1 <= x0 {
			out.Min.Y = y
		}
		out.Max.Y = y + 1
		x0 = r.Min.X + firstDifferent(pixels(p), pixels(q), x0-r.Min.X)
		x1 = r.Min.X + lastDifferent(pixels(p), pixels(q), x1-r.Min.X)
	}
	if x1 <= x0 {
		return image.Rectangle{}
	}
	out.Min.X, out.Max.X = x0, x1
	return out
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
