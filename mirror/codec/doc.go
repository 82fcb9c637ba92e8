// Package codec makes the frames of docs/wire.md out of pictures, and pictures
// out of frames, exactly: what a viewer shows is the source bit for bit, but for
// a region that keeps moving, which goes as video to viewers that take it and is
// exact again when it rests (docs/decisions/0007-video-where-it-moves.md).
//
// An Encoder remembers what its viewers show. Encode compares
// only the damaged places with it, finds what merely moved, and writes the rest
// as fills, palettes or raw pixels, compressed by a zstd stream that goes on
// from frame to frame: what was written before, a letter for instance, is only
// referred to. A Decoder is the
// viewer's side. It trusts nobody: a frame of a hostile host is an error and
// costs bounded memory and time. Neither is safe for use from several
// goroutines, and neither runs one.
package codec

import "hither/fusion"

// Bounds of a frame. MaxPixels follows from MaxContent: a raw picture of three
// bytes a pixel must fit (8K does).
const (
	MaxContent = 96 << 20
	MaxWindow  = 8 << 20
	MaxPixels  = 32 << 20
	MaxCursor  = 256
)

const (
	flagKey   = 1
	flagZstd  = 2
	flagFresh = 4
)

const (
	opCopy    = 1
	opFill    = 2
	opRaw     = 3
	opPalette = 4
	opVideo   = 5
	opCursor  = 6
	opColumns = 7
	opCoarse  = 8
)

const frameHeader = 5

func invalid(detail string) error {
	return &fusion.Error{Op: "frame", Cause: fusion.ErrInvalid, Detail: detail}
}
