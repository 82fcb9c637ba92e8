package capture

import "slices"

// Keysyms of X11/keysymdef.h.
const (
	xkTab        = 0xff09
	xkReturn     = 0xff0d
	xkModeSwitch = 0xff7e
	xkShiftL     = 0xffe1
	xkShiftR     = 0xffe2
	xkLevel3     = 0xfe03 // ISO_Level3_Shift
	xkLevel5     = 0xfe11 // ISO_Level5_Shift
	xkUnicode    = 0x01000000
)

// xkeysym gives the keysym that types a character (X11 protocol, appendix A);
// 0 for a control character.
func xkeysym(r rune) uint32 {
	switch {
	case r == '\n':
		return xkReturn
	case r == '\t':
		return xkTab
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return 0
	case r <= 0xff:
		return uint32(r)
	}
	return xkUnicode + uint32(r)
}

// xkeymap is the answer to GetKeyboardMapping: keysyms of each keycode, where
// the first stands for the key alone and the second for the key with Shift.
type xkeymap struct {
	first byte
	per   int
	syms  []uint32
}

func (m xkeymap) of(code byte) []uint32 {
	at := (int(code) - int(m.first)) * m.per
	return m.syms[at : at+m.per]
}

func (m xkeymap) codes(yield func(byte) bool) {
	for i := range len(m.syms) / max(m.per, 1) {
		if !yield(m.first + byte(i)) {
			return
		}
	}
}

// find gives the key that types a keysym, if one does alone or with Shift. Of
// several it is the one that needs no Shift.
func (m xkeymap) find(sym uint32) (code byte, shift, ok bool) {
	if sym == 0 {
		return 0, false, false
	}
	for _, column := range []int{0, 1} {
		for code := range m.codes {
			if column < m.per && m.of(code)[column] == sym {
				return code, column == 1, true
			}
		}
	}
	return 0, false, false
}

// spares are the keycodes without a keysym, but for the first, which programs
// know as none.
func (m xkeymap) spares(yield func(byte) bool) {
	for code := range m.codes {
		spare := code > m.first && !slices.ContainsFunc(m.of(code), func(sym uint32) bool { return sym != 0 })
		if spare && !yield(code) {
			return
		}
	}
}

// chooses says whether a key chooses which of another key's keysyms it types.
func (m xkeymap) chooses(code byte) bool {
	return slices.ContainsFunc(m.of(code), func(sym uint32) bool {
		switch sym {
		case xkShiftL, xkShiftR, xkModeSwitch, xkLevel3, xkLevel5:
			return true
		}
		return false
	})
}
