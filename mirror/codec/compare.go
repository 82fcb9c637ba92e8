package codec

import (
	"bytes"
	"unsafe"
)

// The padding byte of a pixel means nothing; these masks leave it out.
const (
	mask1 = 0x00ffffff
	mask2 = 0x00ffffff00ffffff
)

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
