package capture

import (
	"sync"
	"unicode/utf16"
	"unsafe"

	"hither/fusion"
	"hither/mirror/wire"
)

// Values of CGEventTypes.h.
const (
	macMoved     = 5
	macDragged   = 6 // with the left button; +1 right, 27 others
	macOthers    = 25
	macOtherDrag = 27
	macHIDTap    = 0
	macLines     = 1
	macClicks    = 1 // the field that says how many clicks this one is
	macShift     = 1 << 17
	macControl   = 1 << 18
	macOption    = 1 << 19
	macCommand   = 1 << 20
)

// macButtons are the number of a button and the event of its going down; going
// up is one more.
var macButtons = map[byte][2]uint32{wire.LeftButton: {0, 1}, wire.RightButton: {1, 3}, wire.MiddleButton: {2, macOthers},
	wire.BackButton: {3, macOthers}, wire.ForwardButton: {4, macOthers}}

// macModifiers are what keys hold, by their evdev codes.
var macModifiers = map[uint16]uint64{42: macShift, 54: macShift, 29: macControl, 97: macControl,
	56: macOption, 100: macOption, 125: macCommand, 126: macCommand}

// macHand gives input to the session.
type macHand struct {
	lib *coreGraphics

	mu            sync.Mutex // guards the fields below
	width, height int        // of the picture, 0 before there is one
	at            macPoint
	buttons       map[byte]bool
	held          map[uint16]bool // modifiers
	turned        [2]int          // 1/120 notches that made no line yet
}

func (h *macHand) resize(width, height int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.width, h.height = width, height
}

func (h *macHand) input(event wire.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch m := event.(type) {
	case wire.Key:
		return h.key(m)
	case wire.Pointer:
		return h.move(m)
	case wire.Button:
		return h.button(m)
	case wire.Wheel:
		return h.wheel(m)
	case wire.Text:
		return h.text(m.Text)
	}
	return failed(desktopOp, "", fusion.ErrInvalid, "not an input event", "")
}

// give posts an event with the modifiers that are held.
func (h *macHand) give(event unsafe.Pointer) error {
	if event == nil || !h.lib.mayType() {
		if event != nil {
			h.lib.release(event)
		}
		return failed(desktopOp, "", fusion.ErrPermission, "macOS takes no input from this program",
			"open System Settings, Privacy & Security, and allow it under Accessibility")
	}
	var flags uint64
	for code := range h.held {
		flags |= macModifiers[code]
	}
	h.lib.setFlags(event, flags)
	h.lib.post(macHIDTap, event)
	h.lib.release(event)
	return nil
}

func (h *macHand) key(m wire.Key) error {
	code, ok := macKeys[m.Code]
	if !ok {
		return nil
	}
	if macModifiers[m.Code] != 0 {
		if h.held == nil {
			h.held = map[uint16]bool{}
		}
		if h.held[m.Code] = true; !m.Down {
			delete(h.held, m.Code)
		}
	}
	return h.give(h.lib.keyEvent(nil, code, m.Down))
}

// text types characters: an event may say what its key wrote.
func (h *macHand) text(text string) error {
	for _, r := range text {
		units := utf16.Encode([]rune{r})
		code := uint16(0)
		if r == '\n' {
			code = macKeys[evdevEnter]
		}
		for _, down := range []bool{true, false} {
			event := h.lib.keyEvent(nil, code, down)
			if event != nil && r != '\n' {
				h.lib.setText(event, uint(len(units)), &units[0])
			}
			if err := h.give(event); err != nil {
				return err
			}
		}
	}
	return nil
}

// move turns pixels into points, of which a display of high density has fewer.
func (h *macHand) move(m wire.Pointer) error {
	if h.width == 0 {
		return nil
	}
	b := h.lib.bounds(h.lib.mainDisplay())
	h.at = macPoint{b.x + float64(m.X)*b.width/float64(h.width), b.y + float64(m.Y)*b.height/float64(h.height)}
	kind, button := uint32(macMoved), uint32(0)
	for b := range h.buttons { // a button that is down makes it a drag
		if button = macButtons[b][0]; button < 2 {
			kind = macDragged + button
		} else {
			kind = macOtherDrag
		}
	}
	return h.give(h.lib.mouseEvent(nil, kind, h.at, button))
}

func (h *macHand) button(m wire.Button) error {
	b, ok := macButtons[m.Button]
	if !ok {
		return nil
	}
	if h.buttons == nil {
		h.buttons = map[byte]bool{}
	}
	kind := b[1]
	if h.buttons[m.Button] = true; !m.Down {
		delete(h.buttons, m.Button)
		kind++
	}
	event := h.lib.mouseEvent(nil, kind, h.at, b[0])
	if event != nil {
		h.lib.setNumber(event, macClicks, 1)
	}
	return h.give(event)
}

// wheel turns by lines, positive up and left there.
func (h *macHand) wheel(m wire.Wheel) error {
	var lines [2]int32
	for i, turn := range [2]int16{m.DY, m.DX} {
		h.turned[i] += int(turn)
		lines[i] = int32(h.turned[i] / 120)
		h.turned[i] -= int(lines[i]) * 120
	}
	if lines == [2]int32{} {
		return nil
	}
	return h.give(h.lib.wheelEvent(nil, macLines, 2, -lines[0], -lines[1], 0))
}

// macKeys are the virtual key codes of evdev codes (Carbon's HIToolbox/Events.h).
var macKeys = map[uint16]uint16{
	1: 0x35, 2: 0x12, 3: 0x13, 4: 0x14, 5: 0x15, 6: 0x17, 7: 0x16, 8: 0x1a, 9: 0x1c, 10: 0x19, 11: 0x1d, 12: 0x1b, 13: 0x18, // esc, digits
	14: 0x33, 15: 0x30, 28: 0x24, 57: 0x31, // backspace, tab, enter, space
	16: 0x0c, 17: 0x0d, 18: 0x0e, 19: 0x0f, 20: 0x11, 21: 0x10, 22: 0x20, 23: 0x22, 24: 0x1f, 25: 0x23, 26: 0x21, 27: 0x1e, // q to ]
	30: 0x00, 31: 0x01, 32: 0x02, 33: 0x03, 34: 0x05, 35: 0x04, 36: 0x26, 37: 0x28, 38: 0x25, 39: 0x29, 40: 0x27, 41: 0x32, 43: 0x2a, // a to \
	44: 0x06, 45: 0x07, 46: 0x08, 47: 0x09, 48: 0x0b, 49: 0x2d, 50: 0x2e, 51: 0x2b, 52: 0x2f, 53: 0x2c, 86: 0x0a, // z to /, 102nd
	29: 0x3b, 42: 0x38, 54: 0x3c, 56: 0x3a, 97: 0x3e, 100: 0x3d, 125: 0x37, 126: 0x36, 58: 0x39, // modifiers, caps lock
	59: 0x7a, 60: 0x78, 61: 0x63, 62: 0x76, 63: 0x60, 64: 0x61, 65: 0x62, 66: 0x64, 67: 0x65, 68: 0x6d, 87: 0x67, 88: 0x6f, // F1 to F12
	183: 0x69, 184: 0x6b, 185: 0x71, 186: 0x6a, 187: 0x40, 188: 0x4f, 189: 0x50, 190: 0x5a, // F13 to F20
	102: 0x73, 103: 0x7e, 104: 0x74, 105: 0x7b, 106: 0x7c, 107: 0x77, 108: 0x7d, 109: 0x79, 110: 0x72, 111: 0x75, // home … delete
	69: 0x47, 55: 0x43, 74: 0x4e, 78: 0x45, 83: 0x41, 96: 0x4c, 98: 0x4b, 117: 0x51, // keypad
	71: 0x59, 72: 0x5b, 73: 0x5c, 75: 0x56, 76: 0x57, 77: 0x58, 79: 0x53, 80: 0x54, 81: 0x55, 82: 0x52,
	113: 0x4a, 114: 0x49, 115: 0x48, // mute, volume
	89: 0x5e, 124: 0x5d, 122: 0x68, 123: 0x66, // Japanese
}
