package vpx

import (
	"errors"
	"image"
)

// header is what the beginning of a frame says of it.
type header struct {
	key  bool
	full bool // 4:4:4
	size image.Point
}

var errHeader = errors.New("header of the VP9 frame")

// bits reads a frame bit by bit, high bits first. Past the end it gives zeros
// and over is set.
type bits struct {
	b    []byte
	at   int
	over bool
}

func (r *bits) take(n int) (v int) {
	for range n {
		if r.at/8 >= len(r.b) {
			r.over = true
			return 0
		}
		v = v<<1 | int(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.take(1) == 1 }

// readHeader reads the uncompressed header of a frame as far as it tells its
// size. It takes only what a real-time encoder without layers makes: one shown
// frame, either a key frame or one of the size of the frames that it refers
// to. So the size that a key frame states holds for all that follow it.
func readHeader(b []byte) (header, error) {
	if superframe(b) {
		return header{}, errHeader
	}
	r := &bits{b: b}
	if r.take(2) != 2 {
		return header{}, errHeader
	}
	profile := r.take(1) | r.take(1)<<1
	if profile > 1 || r.flag() { // beyond 8 bits, or a frame from before shown again
		return header{}, errHeader
	}
	h := header{key: !r.flag(), full: profile == 1}
	shown, resilient := r.flag(), r.flag()
	ok := shown
	if h.key {
		ok = ok && r.take(24) == 0x498342 && h.colours(r)
		h.size = image.Pt(r.take(16)+1, r.take(16)+1)
	} else {
		ok = ok && !sizeChanges(r, resilient)
	}
	if !ok || r.over {
		return header{}, errHeader
	}
	return h, nil
}

// colours reads color_config: 4:2:0 in profile 0 and 4:4:4 in profile 1 only.
func (h *header) colours(r *bits) bool {
	const rgb = 7
	space := r.take(3)
	if space == rgb {
		return false
	}
	r.take(1) // range
	return !h.full || r.take(3) == 0
}

// sizeChanges says whether a frame that is no key frame has a size of its own.
func sizeChanges(r *bits, resilient bool) bool {
	if !resilient {
		r.take(2) // reset_frame_context
	}
	r.take(8 + 3*4) // refresh_frame_flags, three references
	for range 3 {
		if r.flag() { // found_ref: the size is this reference's
			return false
		}
	}
	return true
}

// superframe says whether b ends with an index of several frames.
func superframe(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	last := b[len(b)-1]
	if last&0xe0 != 0xc0 {
		return false
	}
	index := 2 + (int(last>>3&3)+1)*(int(last&7)+1)
	return len(b) >= index && b[len(b)-index] == last
}
