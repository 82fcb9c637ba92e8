package surface

import (
	"github.com/klauspost/compress/zstd"

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
	if len(frame) < header {
		return nil // the decoder says so
	}
	size := uint64(len(frame))
	if frame[0]&compressed != 0 {
		var head zstd.Header
		if head.Decode(frame[header:]) != nil {
			return nil // likewise
		}
		size = head.FrameContentSize
	}
	width, height := uint64(frame[1])<<8|uint64(frame[2]), uint64(frame[3])<<8|uint64(frame[4])
	if size > roomyPixel*width*height+roomyFrame {
		return opError(fusion.ErrInvalid, "a frame that is too large for its window", "")
	}
	return nil
}
