package capture

import (
	"hither/fusion"
	"hither/mirror/wire"
	"hither/mirror/xt"
)

// Bits of a pointer event.
const (
	maskLeft   = 1 << 0
	maskMiddle = 1 << 1
	maskRight  = 1 << 2
	wheelUp    = 1 << 3
	wheelDown  = 1 << 4
	wheelLeft  = 1 << 5
	wheelRight = 1 << 6
)

var rfbButtons = map[byte]byte{wire.LeftButton: maskLeft, wire.MiddleButton: maskMiddle, wire.RightButton: maskRight}

func (k *keyboard) Input(event wire.Message) error {
	if m, is := event.(wire.Text); is {
		return k.text(m.Text)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var b []byte
	switch m := event.(type) {
	case wire.Key:
		k.hold(m)
		b = k.key(m)
	case wire.Pointer:
		b = k.place(m)
	case wire.Motion:
		b = k.motion(int(m.DX), int(m.DY))
	case wire.Button:
		bit := rfbButtons[m.Button]
		k.buttons &^= bit
		if m.Down {
			k.buttons |= bit
		}
		b = k.pointer(nil, 0)
	case wire.Wheel:
		b = k.turn(nil, 0, int(m.DY), wheelUp, wheelDown)
		b = k.turn(b, 1, int(m.DX), wheelLeft, wheelRight)
	default:
		return failed(rfbOp, "", fusion.ErrInvalid, "not an input event", "")
	}
	if len(b) == 0 {
		return nil
	}
	k.attend()
	_, err := k.conn.Write(b)
	return err
}

// atRest is a place of a pointer event that moves a relative pointer not at all.
const atRest = 0x7fff

// place moves the pointer to a place. A mouse is moved by as much as the place
// moved: who cannot tell motions still points about where he means to.
func (k *keyboard) place(m wire.Pointer) (b []byte) {
	if k.relative {
		b = k.motion(int(m.X)-int(k.x), int(m.Y)-int(k.y))
	}
	k.x, k.y = m.X, m.Y
	if !k.relative {
		b = k.pointer(nil, 0)
	}
	return b
}

// motion moves a mouse. Where the guest has just taken a tablet, whose place the
// viewer does not know yet, it moves nothing.
func (k *keyboard) motion(dx, dy int) []byte {
	if !k.relative {
		return nil
	}
	return k.event(nil, 0, shift(dx), shift(dy))
}

// shift is a distance as an event tells it, cut to what it can tell.
func shift(d int) uint16 { return uint16(max(0, min(atRest+d, 0xffff))) }

// pointer tells of buttons and wheel where the pointer is.
func (k *keyboard) pointer(b []byte, wheel byte) []byte {
	if k.relative {
		return k.event(b, wheel, atRest, atRest)
	}
	return k.event(b, wheel, k.x, k.y)
}

func (k *keyboard) event(b []byte, wheel byte, x, y uint16) []byte {
	b = be.AppendUint16(append(b, 5, k.buttons|wheel), x)
	return be.AppendUint16(b, y)
}

// turn makes clicks of whole notches and keeps the rest.
func (k *keyboard) turn(b []byte, axis, delta int, back, forth byte) []byte {
	k.wheel[axis] += delta
	for ; k.wheel[axis] >= 120; k.wheel[axis] -= 120 {
		b = k.pointer(k.pointer(b, forth), 0)
	}
	for ; k.wheel[axis] <= -120; k.wheel[axis] += 120 {
		b = k.pointer(k.pointer(b, back), 0)
	}
	return b
}

// key is a QEMU Extended Key Event, or a KeyEvent for a server without it.
func (k *keyboard) key(m wire.Key) []byte {
	var down byte
	if m.Down {
		down = 1
	}
	if !k.extended {
		sym := keysyms[m.Code]
		if sym == 0 {
			return nil
		}
		return be.AppendUint32([]byte{4, down, 0, 0}, sym)
	}
	code := uint32(xt.Code(m.Code))
	if code == 0 {
		return nil
	}
	b := be.AppendUint32([]byte{255, 0, 0, down}, k.lockSym(code))
	return be.AppendUint32(b, code)
}

// lockSym is the keysym beside a scan code. QEMU turns Caps Lock and Num Lock
// over when the keysym does not fit to them; 0 fits to all but the keypad with
// Num Lock on, which a digit of the keypad does.
func (k *keyboard) lockSym(code uint32) uint32 {
	const keypadDigit = 0xffb5
	if k.numLock && code >= 0x47 && code <= 0x53 {
		return keypadDigit
	}
	return 0
}

// Resize asks the guest through SetDesktopSize; one with a driver for it obeys.
func (k *keyboard) Resize(width, height int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.sizable {
		return failed("screen.resize", "", fusion.ErrUnsupported, "this console has a size of its own", "")
	}
	b := be.AppendUint16([]byte{251, 0}, uint16(width))
	b = be.AppendUint16(b, uint16(height))
	b = append(b, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0) // one screen, ID 0 at 0, 0
	b = be.AppendUint16(b, uint16(width))
	b = be.AppendUint16(b, uint16(height))
	_, err := k.conn.Write(append(b, 0, 0, 0, 0))
	return err
}
