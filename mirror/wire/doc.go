// Package wire is what a host and a viewer say to each other while a screen is
// open: the messages of docs/wire.md as Go types, the splitting of frames into
// messages, and the pipes that carry them.
//
// A host reads with ParseViewer and a viewer with ParseHost; both write with a
// message's Append. Neither side is trusted: every parser checks each length,
// and Assembler bounds what an unfinished frame may hold. Messages of unknown
// type come as Unknown and are skipped by the reader.
//
// Stream runs no goroutine. Pair keeps at most pairQueue messages each way.
package wire

import "hither/fusion"

// Version is the version that Hello carries.
const Version = 1

// Bounds of docs/wire.md.
const (
	MaxMessage = 16 << 10
	MaxFrame   = 64 << 20
)

func invalid(detail string) error {
	return &fusion.Error{Op: "wire", Cause: fusion.ErrInvalid, Detail: detail}
}
