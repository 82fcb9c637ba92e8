package wire

// Types of messages from viewer to host.
const (
	typeKey     = 0x81
	typePointer = 0x82
	typeButton  = 0x83
	typeWheel   = 0x84
	typeAck     = 0x85
	typeResize  = 0x86
	typeRelease = 0x87
	typeRefresh = 0x88
	typeBye     = 0x89
	typePing    = 0x8a
	typeAble    = 0x8b
	typeMotion  = 0x8c
)

// Key is a physical key: a Linux evdev KEY_* code.
type Key struct {
	Code uint16
	Down bool
}

// Pointer is the pointer's place in pixels of the source.
type Pointer struct{ X, Y uint16 }

// Motion is how far a mouse moved, in pixels, positive right and down: for a
// screen whose Pointing is relative.
type Motion struct{ DX, DY int16 }

// Buttons of a mouse.
const (
	LeftButton    = 1
	MiddleButton  = 2
	RightButton   = 3
	BackButton    = 8
	ForwardButton = 9
)

// Button is a mouse button.
type Button struct {
	Button byte
	Down   bool
}

// Wheel is a turn in 1/120 of a notch, positive right and down.
type Wheel struct{ DX, DY int16 }

// Ack says that frame Seq is on the glass.
type Ack struct{ Seq uint32 }

// Resize asks the source to become this size.
type Resize struct{ Width, Height uint16 }

// Release lets go of all keys and buttons.
type Release struct{}

// Refresh asks for a key frame.
type Refresh struct{}

// Bye says that the person closed this view.
type Bye struct{}

// Able says what the viewer can take beyond tiles. A host sends nothing of the
// kind before it.
type Able struct{ Flags AbleFlags }

// AbleFlags are abilities of a viewer.
type AbleFlags uint32

// Abilities of a viewer.
const (
	VP9    AbleFlags = 1 << iota // decodes VP9 profile 0 (4:2:0, 8 bits)
	VP9444                       // decodes VP9 profile 1 (4:4:4, 8 bits)
)

// Ping asks for the Pong of the same number.
type Ping struct{ ID uint64 }

// viewerLengths are the lengths of the bodies.
var viewerLengths = map[byte]int{typeKey: 3, typePointer: 4, typeButton: 2, typeWheel: 4, typeAck: 4,
	typeResize: 4, typeRelease: 0, typeRefresh: 0, typeBye: 0, typePing: 8, typeAble: 4, typeMotion: 4,
	typeOver: 4, typePlace: 12, typeState: 6, typeShut: 4, typeDesk: 4}

// ParseViewer reads a message that a viewer sent. An unknown type gives Unknown.
func ParseViewer(m []byte) (Message, error) {
	if len(m) == 0 || len(m) > MaxMessage {
		return nil, invalid("message length")
	}
	b := m[1:]
	if isClip(m[0], ViewerSide) {
		return parseClip(m[0], b)
	}
	if m[0] == typeText {
		return parseText(b)
	}
	if isSound(m[0], ViewerSide) {
		return parseSound(m[0], b)
	}
	if isFile(m[0], ViewerSide) {
		return parseFile(m[0], b)
	}
	if want, known := viewerLengths[m[0]]; !known {
		return Unknown{m[0]}, nil
	} else if len(b) != want {
		return nil, invalid("length of a viewer's message")
	}
	switch m[0] {
	case typeKey:
		return Key{be.Uint16(b), b[2] != 0}, nil
	case typePointer:
		return Pointer{be.Uint16(b), be.Uint16(b[2:])}, nil
	case typeButton:
		return Button{b[0], b[1] != 0}, nil
	case typeWheel:
		return Wheel{int16(be.Uint16(b)), int16(be.Uint16(b[2:]))}, nil
	case typeAck:
		return Ack{be.Uint32(b)}, nil
	case typeResize:
		return Resize{be.Uint16(b), be.Uint16(b[2:])}, nil
	case typeRelease:
		return Release{}, nil
	case typeRefresh:
		return Refresh{}, nil
	case typeBye:
		return Bye{}, nil
	case typePing:
		return Ping{be.Uint64(b)}, nil
	case typeAble:
		return Able{AbleFlags(be.Uint32(b))}, nil
	case typeMotion:
		return Motion{int16(be.Uint16(b)), int16(be.Uint16(b[2:]))}, nil
	}
	return parseViewerWindow(m[0], b), nil
}

func (m Key) Append(b []byte) []byte {
	return append(be.AppendUint16(append(b, typeKey), m.Code), flag(m.Down))
}

func (m Pointer) Append(b []byte) []byte { return two(b, typePointer, m.X, m.Y) }

func (m Motion) Append(b []byte) []byte { return two(b, typeMotion, uint16(m.DX), uint16(m.DY)) }

func (m Button) Append(b []byte) []byte { return append(b, typeButton, m.Button, flag(m.Down)) }

func (m Wheel) Append(b []byte) []byte { return two(b, typeWheel, uint16(m.DX), uint16(m.DY)) }

func (m Ack) Append(b []byte) []byte { return be.AppendUint32(append(b, typeAck), m.Seq) }

func (m Resize) Append(b []byte) []byte { return two(b, typeResize, m.Width, m.Height) }

func (Release) Append(b []byte) []byte { return append(b, typeRelease) }

func (Refresh) Append(b []byte) []byte { return append(b, typeRefresh) }

func (Bye) Append(b []byte) []byte { return append(b, typeBye) }

func (m Able) Append(b []byte) []byte {
	return be.AppendUint32(append(b, typeAble), uint32(m.Flags))
}

func (m Ping) Append(b []byte) []byte { return be.AppendUint64(append(b, typePing), m.ID) }

func two(b []byte, kind byte, x, y uint16) []byte {
	return be.AppendUint16(be.AppendUint16(append(b, kind), x), y)
}
