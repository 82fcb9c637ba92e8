package surface

import "image"

// evdevOffset is what X adds to a Linux keycode.
const evdevOffset = 8

const notch = 120 // one notch of a wheel on the wire

// Codes of linux/input-event-codes.h that the window itself looks at.
const (
	keyR         = 19
	keyI         = 23
	keyEnter     = 28
	keyLeftCtrl  = 29
	keyG         = 34
	keyC         = 46
	keyM         = 50
	keyLeftAlt   = 56
	keyKPEnter   = 96
	keyRightCtrl = 97
	keyRightAlt  = 100
)

// keyboard remembers which keys are held. X repeats a held key as presses; the
// remote machine repeats by itself, so only the first press goes out.
type keyboard struct{ held map[uint16]bool }

// press says whether the key should be sent; it was not held before.
func (k *keyboard) press(code uint16) bool {
	if k.held == nil {
		k.held = make(map[uint16]bool)
	}
	if k.held[code] {
		return false
	}
	k.held[code] = true
	return true
}

// release says whether the key should be sent; its press was.
func (k *keyboard) release(code uint16) bool {
	was := k.held[code]
	delete(k.held, code)
	return was
}

// releaseAll forgets every held key.
func (k *keyboard) releaseAll() { clear(k.held) }

// command is what keys mean to the window itself.
type command int

const (
	noCommand     command = iota
	fullCommand           // Ctrl+Alt+Enter: full screen, or back
	grabCommand           // Ctrl+Alt+G: take the keyboard, or give it back
	infoCommand           // Ctrl+Alt+I: show numbers, or hide them
	recordCommand         // Ctrl+Alt+R: record the window, or end that
	muteCommand           // Ctrl+Alt+M: mute the sound, or hear it again
	cancelCommand         // Ctrl+Alt+C: cancel files that are on their way, if there are any
)

// command says whether this press is the window's own, and what it means.
func (k *keyboard) command(code uint16) command {
	ctrl := k.held[keyLeftCtrl] || k.held[keyRightCtrl]
	alt := k.held[keyLeftAlt] || k.held[keyRightAlt]
	if !ctrl || !alt {
		return noCommand
	}
	switch code {
	case keyEnter, keyKPEnter:
		return fullCommand
	case keyG:
		return grabCommand
	case keyI:
		return infoCommand
	case keyR:
		return recordCommand
	case keyM:
		return muteCommand
	case keyC:
		return cancelCommand
	}
	return noCommand
}

// evdev turns an X keycode into the physical key's code; ok is false for
// keycodes that stand for none.
func evdev(keycode byte) (code uint16, ok bool) {
	if keycode <= evdevOffset {
		return 0, false
	}
	return uint16(keycode) - evdevOffset, true
}

// wheel gives what an X button means as a wheel; ok is false for real buttons.
func wheel(button byte) (dx, dy int16, ok bool) {
	switch button {
	case 4:
		return 0, -notch, true
	case 5:
		return 0, notch, true
	case 6:
		return -notch, 0, true
	case 7:
		return notch, 0, true
	}
	return 0, 0, false
}

// realButton says whether the wire knows an X button.
func realButton(button byte) bool {
	switch button {
	case 1, 2, 3, 8, 9:
		return true
	}
	return false
}

// wireSize gives a size as the wire and X carry it: in 16 bits and not empty.
func wireSize(p image.Point) (w, h uint16) {
	const most = 1<<16 - 1
	return uint16(max(1, min(p.X, most))), uint16(max(1, min(p.Y, most)))
}
