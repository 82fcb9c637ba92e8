package surface

import (
	"encoding/binary"

	"hither/fusion"
)

// roomy is how many bytes the content of a frame has at most: so many for each
// pixel, and some for a cursor. An encoder that says each pixel once needs 3 and
// a few more for each rectangle. Windows keep memory for their content, so small
// ones must not hold what a large one may.
const (
	roomyPixel = 16
	roomyFrame = 1 << 20
)

// checkContent refuses a frame whose content is out of proportion to its
// picture (docs/wire.md, frame part).
func checkContent(frame []byte) error {
	const header, compressed = 5, 2
	if len(frame) < header+4 {
		return nil // the decoder says what is wrong
	}
	size := uint64(len(frame))
	if frame[0]&compressed != 0 {
		size = uint64(binary.BigEndian.Uint32(frame[header:]))
	}
	width, height := uint64(binary.BigEndian.Uint16(frame[1:])), uint64(binary.BigEndian.Uint16(frame[3:]))
	if size > roomyPixel*width*height+roomyFrame {
		return opError(fusion.ErrInvalid, "a frame that is too large for its window", "")
	}
	return nil
}
