package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// Types of messages from host to viewer.
const (
	typeHello     = 0x01
	typeFramePart = 0x02
	typeTitle     = 0x04
	typeClosed    = 0x05
	typePong      = 0x06
	typePointing  = 0x07
)

// Message is one message of either direction.
type Message interface {
	// Append appends the message's bytes, type first.
	Append(b []byte) []byte
}

// Unknown is a message whose type this version does not know.
type Unknown struct{ Type byte }

// Hello is the first message of a view.
type Hello struct {
	ViewOnly      bool
	Windows       bool // a view of windows; the size is their desktop's
	Width, Height uint16
	Title         string
}

// FramePart is one part of a frame; see Assembler.
type FramePart struct {
	Seq         uint32
	Part, Parts uint16
	Bytes       []byte // shares the message's memory
}

// Title is the screen's new title.
type Title struct{ Text string }

// Reason says why a view was closed.
type Reason byte

const (
	Ended   Reason = 0 // the source ended
	Revoked Reason = 1 // permission was taken away
	Failed  Reason = 2
)

// Closed is the last message of a view.
type Closed struct {
	Reason Reason
	Text   string
}

// Pong answers the ping of the same number.
type Pong struct{ ID uint64 }

// Pointing says how the screen takes the pointer: at a place, or, as a mouse
// tells it, by how far it moved. Until it comes, at a place.
type Pointing struct{ Relative bool }

var be = binary.BigEndian

// ParseHost reads a message that a host sent. An unknown type gives Unknown.
func ParseHost(b []byte) (Message, error) {
	if len(b) == 0 || len(b) > MaxMessage {
		return nil, invalid("message length")
	}
	body := b[1:]
	switch b[0] {
	case typeHello:
		return parseHello(body)
	case typeFramePart:
		return parseFramePart(body)
	case typeTitle:
		return Title{text(body)}, nil
	case typeClosed:
		if len(body) < 1 {
			return nil, invalid("closed is too short")
		}
		return Closed{Reason(body[0]), text(body[1:])}, nil
	case typePong:
		if len(body) != 8 {
			return nil, invalid("pong length")
		}
		return Pong{be.Uint64(body)}, nil
	case typePointing:
		if len(body) != 1 {
			return nil, invalid("pointing length")
		}
		return Pointing{body[0] != 0}, nil
	case typeOn, typeWindow, typeGone, typeIcon:
		return parseHostWindow(b[0], body)
	case typeUntyped:
		return Untyped{text(body)}, nil
	}
	if isClip(b[0], HostSide) {
		return parseClip(b[0], body)
	}
	if isSound(b[0], HostSide) {
		return parseSound(b[0], body)
	}
	if isFile(b[0], HostSide) {
		return parseFile(b[0], body)
	}
	return Unknown{b[0]}, nil
}

func parseHello(b []byte) (Message, error) {
	if len(b) < 6 {
		return nil, invalid("hello is too short")
	}
	if b[0] != Version {
		return nil, invalid("version of the screen wire")
	}
	return Hello{b[1]&1 != 0, b[1]&2 != 0, be.Uint16(b[2:]), be.Uint16(b[4:]), text(b[6:])}, nil
}

const partHeader = 1 + 4 + 2 + 2

func parseFramePart(b []byte) (Message, error) {
	if len(b) < partHeader-1 {
		return nil, invalid("frame part is too short")
	}
	p := FramePart{be.Uint32(b), be.Uint16(b[4:]), be.Uint16(b[6:]), b[8:]}
	if p.Part >= p.Parts {
		return nil, invalid("frame part number")
	}
	return p, nil
}

// text reads UTF-8 and replaces what is not.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}

// clip shortens s so that a message with this many other bytes fits.
func clip(s string, other int) string {
	n := MaxMessage - other
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (m Unknown) Append(b []byte) []byte { return append(b, m.Type) }

func (m Hello) Append(b []byte) []byte {
	b = append(b, typeHello, Version, flag(m.ViewOnly)|flag(m.Windows)<<1)
	b = be.AppendUint16(b, m.Width)
	b = be.AppendUint16(b, m.Height)
	return append(b, clip(m.Title, 7)...)
}

func (m FramePart) Append(b []byte) []byte {
	b = append(b, typeFramePart)
	b = be.AppendUint32(b, m.Seq)
	b = be.AppendUint16(b, m.Part)
	b = be.AppendUint16(b, m.Parts)
	return append(b, m.Bytes...)
}

func (m Title) Append(b []byte) []byte {
	return append(append(b, typeTitle), clip(m.Text, 1)...)
}

func (m Closed) Append(b []byte) []byte {
	return append(append(b, typeClosed, byte(m.Reason)), clip(m.Text, 2)...)
}

func (m Pong) Append(b []byte) []byte { return be.AppendUint64(append(b, typePong), m.ID) }

func (m Pointing) Append(b []byte) []byte { return append(b, typePointing, flag(m.Relative)) }

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
