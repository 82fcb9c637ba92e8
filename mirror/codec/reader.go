package codec

import (
	"encoding/binary"
	"image"
)

// reader takes numbers off a frame's operations. Past the end it gives zeros,
// which make an empty rectangle and so an error.
type reader struct{ b []byte }

func (r *reader) u8() int {
	if b := r.bytes(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (r *reader) u16() int {
	if b := r.bytes(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) u32() int {
	if b := r.bytes(4); b != nil {
		return int(binary.BigEndian.Uint32(b))
	}
	return 0
}

// bytes gives the next n bytes, or nil when there are fewer.
func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.b = nil
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// rect reads x y w h.
func (r *reader) rect() image.Rectangle {
	x, y := r.u16(), r.u16()
	w, h := r.u16(), r.u16()
	return image.Rect(x, y, x+w, y+h)
}
