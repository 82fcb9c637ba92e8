package wire

// Types of messages about the windows of an app, in both directions.
const (
	typeOn     = 0x10
	typeWindow = 0x11
	typeGone   = 0x12
	typeIcon   = 0x13

	typeOver     = 0x90
	typePlace    = 0x91
	typeState    = 0x92
	typeShut     = 0x93
	typeDesk     = 0x94
	windowHeader = 1 + 4 + 4 + 2 + 8 + 8
)

// WindowFlags say how a window stands.
type WindowFlags uint16

// Flags of a window.
const (
	Popup         WindowFlags = 1 << iota // menu, tooltip or list: no frame, never focused, placed by the app
	Modal                                 // its parent takes no input until it goes
	FullScreen                            // covers the whole desktop
	Maximized                             // fills the desktop
	Active                                // has the focus
	Minimized                             // is not shown
	Dialog                                // belongs to its parent, stays above it
	SelfDecorated                         // draws its own title bar: no other one is wanted
)

// On says which window the frame parts that follow belong to; 0 is the picture
// of a view that has no windows. Each window has its own frame numbers.
type On struct{ Window uint32 }

// Window is a window that came or changed. X and Y are its place on the
// viewer's desktop (see Desk), without any frame; a limit of 0 is none.
type Window struct {
	ID, Parent          uint32 // Parent is 0 for none
	Flags               WindowFlags
	X, Y                int16
	Width, Height       uint16
	MinWidth, MinHeight uint16
	MaxWidth, MaxHeight uint16
	Title               string
}

// Gone says that a window is no more; its ID is not used again.
type Gone struct{ Window uint32 }

// Icon is a window's picture as PNG, which must fit one message.
type Icon struct {
	Window uint32
	PNG    []byte
}

// Over says which window the keys, buttons, pointer places, wheel turns, acks
// and refreshes that follow concern; pointer places are then the window's own.
type Over struct{ Window uint32 }

// Place says that the viewer's person or desktop put a window here.
type Place struct {
	Window        uint32
	X, Y          int16
	Width, Height uint16
}

// State asks a window to be so: FullScreen, Maximized, Active, Minimized.
type State struct {
	Window uint32
	Flags  WindowFlags
}

// Shut asks a window to close, as its close button does.
type Shut struct{ Window uint32 }

// Desk is the size of the viewer's desktop. It is the first message of a view
// of windows: only then do they come.
type Desk struct{ Width, Height uint16 }

func parseWindow(b []byte) (Message, error) {
	if len(b) < windowHeader-1 {
		return nil, invalid("window is too short")
	}
	return Window{
		ID: be.Uint32(b), Parent: be.Uint32(b[4:]), Flags: WindowFlags(be.Uint16(b[8:])),
		X: int16(be.Uint16(b[10:])), Y: int16(be.Uint16(b[12:])), Width: be.Uint16(b[14:]), Height: be.Uint16(b[16:]),
		MinWidth: be.Uint16(b[18:]), MinHeight: be.Uint16(b[20:]), MaxWidth: be.Uint16(b[22:]), MaxHeight: be.Uint16(b[24:]),
		Title: text(b[26:]),
	}, nil
}

// parseHostWindow reads a host's message about windows.
func parseHostWindow(kind byte, b []byte) (Message, error) {
	switch {
	case kind == typeWindow:
		return parseWindow(b)
	case kind == typeIcon && len(b) >= 4:
		return Icon{be.Uint32(b), b[4:]}, nil
	case kind == typeOn && len(b) == 4:
		return On{be.Uint32(b)}, nil
	case kind == typeGone && len(b) == 4:
		return Gone{be.Uint32(b)}, nil
	}
	return nil, invalid("length of a message about windows")
}

// parseViewerWindow reads a viewer's, whose length was checked.
func parseViewerWindow(kind byte, b []byte) Message {
	switch kind {
	case typeOver:
		return Over{be.Uint32(b)}
	case typePlace:
		return Place{be.Uint32(b), int16(be.Uint16(b[4:])), int16(be.Uint16(b[6:])), be.Uint16(b[8:]), be.Uint16(b[10:])}
	case typeState:
		return State{be.Uint32(b), WindowFlags(be.Uint16(b[4:]))}
	case typeShut:
		return Shut{be.Uint32(b)}
	}
	return Desk{be.Uint16(b), be.Uint16(b[2:])}
}

func (m On) Append(b []byte) []byte { return be.AppendUint32(append(b, typeOn), m.Window) }

func (m Window) Append(b []byte) []byte {
	b = be.AppendUint32(append(b, typeWindow), m.ID)
	b = be.AppendUint32(b, m.Parent)
	for _, v := range [...]uint16{uint16(m.Flags), uint16(m.X), uint16(m.Y), m.Width, m.Height,
		m.MinWidth, m.MinHeight, m.MaxWidth, m.MaxHeight} {
		b = be.AppendUint16(b, v)
	}
	return append(b, clip(m.Title, windowHeader)...)
}

func (m Gone) Append(b []byte) []byte { return be.AppendUint32(append(b, typeGone), m.Window) }

func (m Icon) Append(b []byte) []byte {
	return append(be.AppendUint32(append(b, typeIcon), m.Window), m.PNG...)
}

func (m Over) Append(b []byte) []byte { return be.AppendUint32(append(b, typeOver), m.Window) }

func (m Place) Append(b []byte) []byte {
	b = be.AppendUint32(append(b, typePlace), m.Window)
	for _, v := range [...]uint16{uint16(m.X), uint16(m.Y), m.Width, m.Height} {
		b = be.AppendUint16(b, v)
	}
	return b
}

func (m State) Append(b []byte) []byte {
	return be.AppendUint16(be.AppendUint32(append(b, typeState), m.Window), uint16(m.Flags))
}

func (m Shut) Append(b []byte) []byte { return be.AppendUint32(append(b, typeShut), m.Window) }

func (m Desk) Append(b []byte) []byte { return two(b, typeDesk, m.Width, m.Height) }
