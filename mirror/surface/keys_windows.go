package surface

import (
	"image"
	"unsafe"

	"hither/mirror/wire"
	"hither/mirror/xt"
)

// Virtual keys that are looked at.
const (
	vkPrintScreen = 0x2c
	vkF4          = 0x73
)

// scanned gives the physical key of a key message (lParam of WM_KEYDOWN).
func scanned(lParam uintptr) (code uint16, ok bool) {
	const pause, numLock, rightShift = 0x45, 0xc5, 0xb6
	scan := byte(lParam >> 16)
	if lParam&(1<<24) != 0 {
		scan |= 0x80
	}
	switch scan { // where Windows says it in its own way
	case pause:
		return 119, true
	case numLock:
		return 69, true
	case rightShift:
		return 54, true
	}
	return xt.Evdev(scan)
}

// key handles a key. False leaves it to Windows.
func (v *view) key(message uint32, wParam, lParam uintptr) bool {
	const alt = 1 << 29
	if wParam == vkF4 && lParam&alt != 0 {
		return false // closes the window, as everywhere in this session
	}
	code, ok := scanned(lParam)
	if !ok || code == keyLeftCtrl && altGrFollows() {
		return true
	}
	down := message == wmKeyDown || message == wmSysKeyDown
	if wParam == vkPrintScreen && !down {
		v.input(wire.Key{Code: code, Down: true}) // Windows tells of its end only
		v.keys.press(code)
	}
	if !down {
		if v.keys.release(code) {
			v.input(wire.Key{Code: code})
		}
		return true
	}
	if v.keys.command(code) == fullCommand {
		v.win.toggleFull()
	} else if v.keys.press(code) {
		v.input(wire.Key{Code: code, Down: true})
	}
	return true
}

// altGrFollows says whether the left Ctrl of this moment is none: Windows puts
// one before each AltGr.
func altGrFollows() bool {
	const firstKey, lastKey, extended = 0x100, 0x109, 1 << 24
	var m winMessage
	some, _, _ := peekMessage.Call(uintptr(unsafe.Pointer(&m)), 0, firstKey, lastKey, 0)
	code, ok := scanned(m.lParam)
	return some != 0 && ok && code == keyRightAlt && m.lParam&extended != 0
}

// buttons are the messages of buttons: which, and whether it goes down.
var buttons = map[uint32]wire.Button{
	wmLeftDown: {Button: wire.LeftButton, Down: true}, wmLeftUp: {Button: wire.LeftButton},
	wmMiddleDown: {Button: wire.MiddleButton, Down: true}, wmMiddleUp: {Button: wire.MiddleButton},
	wmRightDown: {Button: wire.RightButton, Down: true}, wmRightUp: {Button: wire.RightButton},
	wmXDown: {Button: wire.BackButton, Down: true}, wmXUp: {Button: wire.BackButton},
}

// mouse handles the pointer, its buttons and its wheels.
func (v *view) mouse(message uint32, wParam, lParam uintptr) bool {
	at := image.Pt(low(lParam), high(lParam))
	switch message {
	case wmMouseMove:
		v.input(v.pointer(at))
	case wmWheel, wmWheelAcross:
		v.wheel(message, high(wParam), at)
	default:
		b, ok := buttons[message]
		if !ok {
			return false
		}
		const second = 2 // XBUTTON2
		if b.Button == wire.BackButton && high(wParam) == second {
			b.Button = wire.ForwardButton
		}
		v.hold(b)
		v.input(v.pointer(at), b)
	}
	return true
}

// wheel turns at a place of the screen; Windows counts in 1/120 notches too,
// positive up and right.
func (v *view) wheel(message uint32, turn int, at image.Point) {
	p := [2]int32{int32(at.X), int32(at.Y)}
	screenToClient.Call(v.win.hwnd, uintptr(unsafe.Pointer(&p)))
	m := wire.Wheel{DY: int16(-turn)}
	if message == wmWheelAcross {
		m = wire.Wheel{DX: int16(turn)}
	}
	v.input(v.pointer(image.Pt(int(p[0]), int(p[1]))), m)
}

// hold keeps the pointer's messages coming while a button is down.
func (v *view) hold(b wire.Button) {
	switch {
	case b.Down && v.held == 0:
		setCapture.Call(v.win.hwnd)
	case !b.Down && v.held == 1:
		releaseCapture.Call()
	}
	if b.Down {
		v.held++
	} else {
		v.held = max(0, v.held-1)
	}
}

func (v *view) pointer(at image.Point) wire.Message {
	at = v.glass.point(at)
	return wire.Pointer{X: uint16(at.X), Y: uint16(at.Y)}
}
