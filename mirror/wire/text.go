package wire

import "unicode/utf8"

// Types of messages about text.
const (
	typeUntyped = 0x28
	typeText    = 0xa8
)

// MaxText is how many bytes one Text has at most: what takes long to type must
// not hold up what the viewer says next.
const MaxText = 256

// Text is what a person wrote that no physical key of the host says: what an
// input method or dead keys gave, what an on-screen keyboard has, or what is
// pasted as if typed. A line feed is the key Enter, a tab the key Tab.
type Text struct{ Text string }

// Untyped says which characters of a Text the screen cannot be made to type.
type Untyped struct{ Text string }

func parseText(b []byte) (Message, error) {
	if len(b) == 0 || len(b) > MaxText || !utf8.Valid(b) {
		return nil, invalid("text to be typed")
	}
	return Text{string(b)}, nil
}

func (m Text) Append(b []byte) []byte { return append(append(b, typeText), m.Text...) }

func (m Untyped) Append(b []byte) []byte { return append(append(b, typeUntyped), clip(m.Text, 1)...) }
