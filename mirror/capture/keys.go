package capture

// keysyms are X keysyms of the keys of a US keyboard without modifiers, for a
// server that takes no scan codes.
var keysyms = makeKeysyms()

func makeKeysyms() map[uint16]uint32 {
	m := map[uint16]uint32{
		1: 0xff1b, 14: 0xff08, 15: 0xff09, 28: 0xff0d, 29: 0xffe3, 42: 0xffe1, 54: 0xffe2, 56: 0xffe9, 58: 0xffe5,
		69: 0xff7f, 70: 0xff14, 55: 0xffaa, 74: 0xffad, 78: 0xffab, 83: 0xffae, 87: 0xffc8, 88: 0xffc9,
		96: 0xff8d, 97: 0xffe4, 98: 0xffaf, 99: 0xff15, 100: 0xffea, 102: 0xff50, 103: 0xff52, 104: 0xff55,
		105: 0xff51, 106: 0xff53, 107: 0xff57, 108: 0xff54, 109: 0xff56, 110: 0xff63, 111: 0xffff, 119: 0xff13,
		125: 0xffeb, 126: 0xffec, 127: 0xff67, 86: '<', 57: ' ', 43: '\\',
	}
	rows := map[uint16]string{2: "1234567890-=", 16: "qwertyuiop[]", 30: "asdfghjkl;'`", 44: "zxcvbnm,./"}
	for first, row := range rows {
		for i, c := range row {
			m[first+uint16(i)] = uint32(c)
		}
	}
	for i := range uint16(10) {
		m[59+i] = 0xffbe + uint32(i) // F1 to F10
	}
	for code, digit := range map[uint16]uint32{71: 7, 72: 8, 73: 9, 75: 4, 76: 5, 77: 6, 79: 1, 80: 2, 81: 3, 82: 0} {
		m[code] = 0xffb0 + digit
	}
	return m
}
