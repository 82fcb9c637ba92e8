package capture

import (
	"encoding/binary"
	"image"
)

// extentsName is a window's property with what it draws around itself as a
// shadow: left, right, top and bottom in pixels.
const extentsName = "_GTK_FRAME_EXTENTS"

// maxSide bounds a window's picture, so that it fits a frame (codec.MaxPixels).
const (
	maxSide   = 8192
	maxPixels = 32 << 20
)

// inset gives what of a window is shown: all of it with its border, but not the
// shadow it draws around itself. width and height are the window's without the
// border; the rectangle's places count from the corner inside the border.
func inset(width, height, border int, extents []uint32) image.Rectangle {
	all := image.Rect(-border, -border, width+border, height+border)
	if len(extents) != 4 {
		return all
	}
	for _, e := range extents {
		if e > maxSide {
			return all
		}
	}
	left, right, top, bottom := int(extents[0]), int(extents[1]), int(extents[2]), int(extents[3])
	if left+right+top+bottom == 0 || left+right >= width || top+bottom >= height {
		return all
	}
	return image.Rect(left, top, width-right, height-bottom)
}

// clip cuts a window that is larger than a picture may be.
func clip(r image.Rectangle) image.Rectangle {
	r.Max.X = min(r.Max.X, r.Min.X+maxSide)
	r.Max.Y = min(r.Max.Y, r.Min.Y+min(maxSide, maxPixels/max(1, r.Dx())))
	return r
}

// xnumbers reads the 32-bit values of a GetProperty reply.
func xnumbers(reply []byte) []uint32 {
	const header, format = 32, 32
	if len(reply) < header || reply[1] != format {
		return nil
	}
	n, b := binary.LittleEndian.Uint32(reply[16:]), reply[header:]
	var all []uint32
	for ; len(b) >= 4 && uint32(len(all)) < n; b = b[4:] {
		all = append(all, binary.LittleEndian.Uint32(b))
	}
	return all
}
