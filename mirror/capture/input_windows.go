package capture

import (
	"sync"
	"unicode/utf16"
	"unsafe"

	"hither/fusion"
	"hither/mirror/wire"
	"hither/mirror/xt"
)

// winInput is INPUT of winuser.h, whose largest member is MOUSEINPUT.
type winInput struct {
	kind  uint32
	mouse winMouse
}

// winMouse is MOUSEINPUT.
type winMouse struct {
	x, y              int32
	data, flags, time uint32
	extra             uintptr
}

// winKey is KEYBDINPUT.
type winKey struct {
	key, scan   uint16
	flags, time uint32
	extra       uintptr
}

// Flags of the two.
const (
	kindMouse = 0
	kindKey   = 1

	mouseMove     = 0x0001
	mouseWheel    = 0x0800
	mouseAcross   = 0x1000
	mouseAbsolute = 0x8000

	keyExtended = 0x0001
	keyUp       = 0x0002
	keyUnicode  = 0x0004
	keyScanCode = 0x0008
)

// winButtons are the flags of a button that goes down, and its data; one that
// goes up has twice the flag.
var winButtons = map[byte][2]uint32{wire.LeftButton: {0x0002, 0}, wire.RightButton: {0x0008, 0}, wire.MiddleButton: {0x0020, 0},
	wire.BackButton: {0x0080, 1}, wire.ForwardButton: {0x0080, 2}}

// winHand gives input to the session.
type winHand struct{ mu sync.Mutex } // mu is held while input is given

func (h *winHand) input(event wire.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch m := event.(type) {
	case wire.Key:
		return key(m)
	case wire.Pointer:
		w, h := metric(0), metric(1)
		return mouse(winMouse{x: across(m.X, w), y: across(m.Y, h), flags: mouseMove | mouseAbsolute})
	case wire.Button:
		b, ok := winButtons[m.Button]
		if !ok {
			return nil
		}
		flags := b[0]
		if !m.Down {
			flags <<= 1
		}
		return mouse(winMouse{data: b[1], flags: flags})
	case wire.Text:
		return text(m.Text)
	case wire.Wheel:
		if m.DY != 0 {
			if err := mouse(winMouse{data: uint32(-int32(m.DY)), flags: mouseWheel}); err != nil {
				return err
			}
		}
		if m.DX != 0 {
			return mouse(winMouse{data: uint32(int32(m.DX)), flags: mouseAcross})
		}
		return nil
	}
	return failed(desktopOp, "", fusion.ErrInvalid, "not an input event", "")
}

// across turns a pixel into the 65,536th parts of the screen that Windows wants,
// at the pixel's middle.
func across(at uint16, size int) int32 {
	return int32((int(at)*65536 + 32768) / max(size, 1))
}

func key(m wire.Key) error {
	code := xt.Code(m.Code)
	if code == 0 {
		return nil
	}
	k := winKey{scan: uint16(code &^ 0x80), flags: keyScanCode}
	if code&0x80 != 0 {
		k.flags |= keyExtended
	}
	if !m.Down {
		k.flags |= keyUp
	}
	return strike(k)
}

// text types characters, which Windows takes as they are.
func text(text string) error {
	for _, unit := range utf16.Encode([]rune(text)) {
		for _, down := range []bool{true, false} {
			k := winKey{scan: unit, flags: keyUnicode}
			if unit == '\n' {
				k = winKey{scan: evdevEnter, flags: keyScanCode} // the same in set 1
			}
			if !down {
				k.flags |= keyUp
			}
			if err := strike(k); err != nil {
				return err
			}
		}
	}
	return nil
}

func strike(k winKey) error {
	in := winInput{kind: kindKey}
	*(*winKey)(unsafe.Pointer(&in.mouse)) = k
	return send(in)
}

func mouse(m winMouse) error { return send(winInput{kind: kindMouse, mouse: m}) }

func send(in winInput) error {
	if n, _, err := sendInput.Call(1, uintptr(unsafe.Pointer(&in)), unsafe.Sizeof(in)); n != 1 {
		return failed(desktopOp, "", fusion.ErrPermission, "input: "+err.Error(),
			"a program that runs as administrator takes input from another one only")
	}
	return nil
}
