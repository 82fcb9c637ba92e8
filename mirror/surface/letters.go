package surface

import (
	"unicode"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// Bits of a key event's state (X11 protocol, KeyPress), and where its group is.
const (
	shiftState  = 1 << 0
	lockState   = 1 << 1
	level3State = 1 << 7 // Mod5, where ISO_Level3_Shift is
	groupShift  = 13
)

// letters says what keys type on this desktop, for a view that sends that
// instead of physical keys.
type letters struct {
	dead rune // a dead key was struck: its combining mark
}

// press says what a key types: nothing for a key that only chooses what others
// type and for a dead key, whose mark comes with the next one. ok is false for
// a key that types nothing anywhere: it stays a physical one. syms are the
// key's as GetKeyboardMapping gives them.
func (l *letters) press(syms []uint32, state uint16) (text string, ok bool) {
	sym := keysym(syms, state)
	if choosesLevel(sym) {
		return "", true
	}
	if mark := deadMarks[sym]; mark != 0 {
		l.dead = mark
		return "", true
	}
	r := character(sym)
	if r == 0 || r == ' ' && l.dead == 0 {
		return "", false
	}
	if state&lockState != 0 {
		r = swapCase(r)
	}
	return l.together(r), true
}

// together puts a dead key's mark on a character, or before one that has none
// with it.
func (l *letters) together(r rune) string {
	mark := l.dead
	l.dead = 0
	if mark == 0 {
		return string(r)
	}
	if one := []rune(norm.NFC.String(string([]rune{r, mark}))); len(one) == 1 {
		return string(one)
	}
	alone := string([]rune{' ', mark})
	if spacing := spacingMarks[mark]; spacing != 0 {
		alone = string(spacing)
	}
	if r == ' ' {
		return alone
	}
	return alone + string(r)
}

// keysym finds what a key means in a state. The levels of two groups lie in the
// order of the X Keyboard Extension's core mapping (XKB protocol, section 17).
func keysym(syms []uint32, state uint16) uint32 {
	group, shift := int(state>>groupShift&1), int(state&shiftState)
	column := 2*group + shift
	if state&level3State != 0 {
		column += 4
	}
	for _, c := range []int{column, 2 * group, 0} {
		if c < len(syms) && syms[c] != 0 {
			return syms[c]
		}
	}
	return 0
}

// choosesLevel says whether a keysym is one of ISO_Level3_Shift, ISO_Next_Group
// and the like, or Mode_switch.
func choosesLevel(sym uint32) bool {
	const modeSwitch = 0xff7e
	return sym >= 0xfe02 && sym <= 0xfe13 || sym == modeSwitch
}

func swapCase(r rune) rune {
	if unicode.IsLower(r) {
		return unicode.ToUpper(r)
	}
	return unicode.ToLower(r)
}

// legacy are the 8-bit character sets of keysyms that are older than Unicode,
// by their high byte (X11 protocol, appendix A).
var legacy = map[uint32]*charmap.Charmap{1: charmap.ISO8859_2, 2: charmap.ISO8859_3, 3: charmap.ISO8859_4,
	5: charmap.ISO8859_6, 6: charmap.KOI8R, 7: charmap.ISO8859_7, 0xc: charmap.ISO8859_8, 0xd: charmap.Windows874}

// character gives the character of a keysym, 0 for none.
func character(sym uint32) rune {
	const euro, unicodeBit = 0x20ac, 0x01000000
	switch {
	case sym >= ' ' && sym <= '~' || sym >= 0xa0 && sym <= 0xff, sym == euro:
		return rune(sym)
	case sym&^0xffffff == unicodeBit && sym&0xffffff <= unicode.MaxRune && sym&0xffffff > 0xff:
		return rune(sym & 0xffffff)
	}
	set := legacy[sym>>8]
	if set == nil || sym&0xff < 0xa0 {
		return 0
	}
	if r := set.DecodeByte(byte(sym)); r != unicode.ReplacementChar {
		return r
	}
	return 0
}

// deadMarks are the combining marks of dead keys (X11/keysymdef.h).
var deadMarks = map[uint32]rune{0xfe50: 0x300, 0xfe51: 0x301, 0xfe52: 0x302, 0xfe53: 0x303, 0xfe54: 0x304, 0xfe55: 0x306,
	0xfe56: 0x307, 0xfe57: 0x308, 0xfe58: 0x30a, 0xfe59: 0x30b, 0xfe5a: 0x30c, 0xfe5b: 0x327, 0xfe5c: 0x328,
	0xfe60: 0x323, 0xfe61: 0x309, 0xfe62: 0x31b}

// spacingMarks are those that ASCII and Latin-1 have alone.
var spacingMarks = map[rune]rune{0x300: '`', 0x301: '´', 0x302: '^', 0x303: '~', 0x308: '¨', 0x327: '¸', 0x304: '¯', 0x30a: '°'}
