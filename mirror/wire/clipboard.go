package wire

import (
	"strings"
	"unicode/utf8"
)

// Types of messages about the clipboard from host to viewer; those of the other
// direction are higher by viewerSide.
const (
	typeClipOffer = 0x18
	typeClipWant  = 0x19
	typeClipData  = 0x1a
	viewerSide    = 0x80

	clipHeader = 1 + 4 + 1 // of data
)

// Side is who says something that both may say.
type Side byte

// The two sides of a view.
const (
	HostSide   Side = 0
	ViewerSide Side = viewerSide
)

// Bounds of the clipboard.
const (
	MaxClip      = 32 << 20                // bytes of what is pasted
	MaxClipChunk = MaxMessage - clipHeader // bytes of one ClipData
)

// MIME types that are carried.
const (
	PlainText = "text/plain;charset=utf-8"
	PNG       = "image/png"
)

// ClipOffer says that a side's clipboard now holds something in these MIME
// types, or nothing. What it holds is only sent when it is wanted.
type ClipOffer struct {
	From   Side
	Serial uint32 // rises with each offer of a side
	Types  []string
}

// ClipWant asks for what was offered. A new one ends the answer to the one
// before.
type ClipWant struct {
	From   Side
	Serial uint32 // of the offer
	Type   string
}

// ClipData is a piece of what is wanted; pieces follow in order.
type ClipData struct {
	From    Side
	Serial  uint32 // of the offer
	Last    bool
	Refused bool // there will be nothing; also Last
	Bytes   []byte
}

// isClip says whether a type is about the clipboard, of this side.
func isClip(kind byte, from Side) bool {
	return kind >= typeClipOffer|byte(from) && kind <= typeClipData|byte(from)
}

func parseClip(kind byte, b []byte) (Message, error) {
	from := Side(kind & viewerSide)
	if len(b) < 4 {
		return nil, invalid("message about the clipboard is too short")
	}
	serial, rest := be.Uint32(b), b[4:]
	switch kind &^= viewerSide; {
	case kind == typeClipData && len(rest) < 1:
		return nil, invalid("data of the clipboard is too short")
	case kind != typeClipData && !utf8.Valid(rest):
		return nil, invalid("type in the clipboard")
	case kind == typeClipOffer:
		return ClipOffer{from, serial, lines(string(rest))}, nil
	case kind == typeClipWant:
		return ClipWant{from, serial, string(rest)}, nil
	}
	return ClipData{from, serial, rest[0]&1 != 0, rest[0]&2 != 0, rest[1:]}, nil
}

// lines gives what stands before each newline.
func lines(s string) (all []string) {
	for line := range strings.Lines(s) {
		if line, whole := strings.CutSuffix(line, "\n"); whole && line != "" {
			all = append(all, line)
		}
	}
	return all
}

func (m ClipOffer) Append(b []byte) []byte {
	b = be.AppendUint32(append(b, typeClipOffer|byte(m.From)), m.Serial)
	room := MaxMessage - 1 - 4
	for _, kind := range m.Types {
		if room -= len(kind) + 1; room < 0 {
			break
		}
		b = append(append(b, kind...), '\n')
	}
	return b
}

func (m ClipWant) Append(b []byte) []byte {
	b = be.AppendUint32(append(b, typeClipWant|byte(m.From)), m.Serial)
	return append(b, clip(m.Type, 1+4)...)
}

func (m ClipData) Append(b []byte) []byte {
	b = be.AppendUint32(append(b, typeClipData|byte(m.From)), m.Serial)
	return append(append(b, flag(m.Last)|flag(m.Refused)<<1), m.Bytes...)
}
