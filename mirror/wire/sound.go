package wire

// Types of messages about sound from host to viewer; those of the other
// direction are higher by viewerSide.
const (
	typeSound  = 0x20
	typeListen = 0x21
	typeSpeak  = 0x22

	soundHeader = 2 + 1 // of sound, without its type
)

// MaxSound is how many bytes a packet of sound has at most (RFC 6716, section
// 3.2.1: one frame).
const MaxSound = 1275

// Sound is 10 ms that a screen's programs play, or that the viewer's microphone
// hears, as an Opus packet. Silence is not sent.
type Sound struct {
	From   Side
	Number uint16 // rises by one with each packet of a side
	Ends   bool   // the last packet before silence
	Packet []byte // shares the message's memory
}

// Listen says whether the viewer wants to hear the screen.
type Listen struct {
	On   bool
	Kept bool // it is kept and not played, so that it may be the viewer's own computer's
}

// Speak says whether the viewer wants its microphone to be heard there.
type Speak struct{ On bool }

// SoundState says what became of a Listen or Speak.
type SoundState byte

// States of sound.
const (
	SoundOff    SoundState = 0
	SoundOn     SoundState = 1
	SoundFailed SoundState = 2 // it is wanted but cannot be had now
)

// Listening is the host's answer to Listen.
type Listening struct {
	State SoundState
	Text  string // why it failed, with a hint in a second line
}

// Speaking is the host's answer to Speak.
type Speaking struct {
	State SoundState
	Text  string // as in Listening
}

// isSound says whether a type is about sound, of this side.
func isSound(kind byte, from Side) bool {
	return kind >= typeSound|byte(from) && kind <= typeSpeak|byte(from)
}

func parseSound(kind byte, b []byte) (Message, error) {
	from := Side(kind & viewerSide)
	switch kind &^= viewerSide; {
	case kind == typeSound && (len(b) <= soundHeader || len(b) > soundHeader+MaxSound):
		return nil, invalid("length of a packet of sound")
	case kind == typeSound:
		return Sound{from, be.Uint16(b), b[2]&1 != 0, b[soundHeader:]}, nil
	case from == ViewerSide && len(b) != 1:
		return nil, invalid("length of a viewer's message")
	case from == ViewerSide && kind == typeListen:
		return Listen{b[0]&1 != 0, b[0]&2 != 0}, nil
	case from == ViewerSide:
		return Speak{b[0]&1 != 0}, nil
	case len(b) < 1:
		return nil, invalid("answer about sound is too short")
	case kind == typeListen:
		return Listening{SoundState(b[0]), text(b[1:])}, nil
	}
	return Speaking{SoundState(b[0]), text(b[1:])}, nil
}

func (m Sound) Append(b []byte) []byte {
	b = be.AppendUint16(append(b, typeSound|byte(m.From)), m.Number)
	return append(append(b, flag(m.Ends)), m.Packet...)
}

func (m Listen) Append(b []byte) []byte {
	return append(b, typeListen|viewerSide, flag(m.On)|flag(m.Kept)<<1)
}

func (m Speak) Append(b []byte) []byte { return append(b, typeSpeak|viewerSide, flag(m.On)) }

func (m Listening) Append(b []byte) []byte {
	return append(append(b, typeListen, byte(m.State)), clip(m.Text, 2)...)
}

func (m Speaking) Append(b []byte) []byte {
	return append(append(b, typeSpeak, byte(m.State)), clip(m.Text, 2)...)
}
