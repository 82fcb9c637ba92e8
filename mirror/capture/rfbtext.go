package capture

import (
	"time"

	"hither/mirror/wire"
)

const (
	// burst is how many characters go to a console at once, and burstPause how
	// long each takes it: QEMU plays 10 ms for each press and release of what
	// comes at once (its option key-delay-ms) and keeps 1024 events.
	burst      = 16
	burstPause = 25 * time.Millisecond
)

// text types what a US keyboard has, by its physical keys: that is the layout
// QEMU takes its guests to have, and those that have another one show what is
// on these keys there. Shift that is held and Caps Lock do not count.
func (k *keyboard) text(text string) error {
	var left []rune
	var keys []usKey
	for _, r := range text {
		if key, ok := usKeys[r]; ok {
			keys = append(keys, key)
		} else {
			left = append(left, r)
		}
	}
	for len(keys) > 0 {
		n := min(burst, len(keys))
		if err := k.strike(keys[:n]); err != nil {
			return err
		}
		if keys = keys[n:]; len(keys) > 0 {
			time.Sleep(time.Duration(n) * burstPause)
		}
	}
	return untyped(left)
}

// strike strikes keys one after the other.
func (k *keyboard) strike(keys []usKey) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := k.shift(nil, k.shifts, false)
	for _, key := range keys {
		var with uint8
		if key.shifted != (key.letter && k.capsLock) {
			with = leftShift
		}
		b = k.shift(b, with, true)
		b = append(b, k.key(wire.Key{Code: key.code, Down: true})...)
		b = append(b, k.key(wire.Key{Code: key.code})...)
		b = k.shift(b, with, false)
	}
	b = k.shift(b, k.shifts, true)
	k.attend()
	_, err := k.conn.Write(b)
	return err
}

// Bits of keyboard.shifts.
const (
	leftShift  = 1 << 0
	rightShift = 1 << 1
)

var shiftBits = map[uint16]uint8{evdevLeftShift: leftShift, evdevRightShift: rightShift}

// shift presses or lets go of Shift keys.
func (k *keyboard) shift(b []byte, which uint8, down bool) []byte {
	for _, code := range []uint16{evdevLeftShift, evdevRightShift} {
		if which&shiftBits[code] != 0 {
			b = append(b, k.key(wire.Key{Code: code, Down: down})...)
		}
	}
	return b
}

// hold remembers which Shift keys the person holds.
func (k *keyboard) hold(m wire.Key) {
	k.shifts &^= shiftBits[m.Code]
	if m.Down {
		k.shifts |= shiftBits[m.Code]
	}
}
