package capture

// xtCode gives the XT scan code of a Linux evdev key as QEMU's Extended Key
// Event wants it: a prefix of e0 is the bit 0x80. 0 is an unknown key.
// Up to KP_Dot evdev took its numbers from the XT keyboard itself.
func xtCode(code uint16) uint32 {
	if code <= 83 {
		return uint32(code)
	}
	return uint32(xtCodes[code])
}

// xtCodes are the codes from 85 on (linux/input-event-codes.h to XT, as in the
// keycodemapdb that QEMU uses).
var xtCodes = map[uint16]byte{
	85: 0x76, 86: 0x56, 87: 0x57, 88: 0x58, // zenkaku, 102nd, F11, F12
	89: 0x73, 90: 0x78, 91: 0x77, 92: 0x79, 93: 0x70, 94: 0x7b, 95: 0x5c, // Japanese
	96: 0x9c, 97: 0x9d, 98: 0xb5, 99: 0x54, 100: 0xb8, 101: 0x5b, // KP enter, ctrl, KP slash, sysrq, alt, linefeed
	102: 0xc7, 103: 0xc8, 104: 0xc9, 105: 0xcb, 106: 0xcd, 107: 0xcf, 108: 0xd0, 109: 0xd1, 110: 0xd2, 111: 0xd3,
	112: 0xef, 113: 0xa0, 114: 0xae, 115: 0xb0, 116: 0xde, 117: 0x59, 118: 0xce, 119: 0xc6, // macro … pause
	120: 0x8b, 121: 0x7e, 122: 0x72, 123: 0x71, 124: 0x7d, // scale, KP comma, hangeul, hanja, yen
	125: 0xdb, 126: 0xdc, 127: 0xdd, // meta, meta, compose
	128: 0xe8, 129: 0x85, 130: 0x86, 131: 0x87, 132: 0x8c, 133: 0xf8, 134: 0x64, 135: 0x65, 136: 0xc1, 137: 0xbc,
	138: 0xf5, 139: 0x9e, 140: 0xa1, 141: 0x66, 142: 0xdf, 143: 0xe3, // help, menu, calc, setup, sleep, wakeup
	155: 0xec, 156: 0xe6, 157: 0xeb, 158: 0xea, 159: 0xe9, 163: 0x99, 164: 0xa2, 165: 0x90, 166: 0xa4,
	172: 0xb2, 173: 0xe7, // homepage, refresh
	183: 0x5d, 184: 0x5e, 185: 0x5f, 186: 0x55, 187: 0x83, 188: 0xf7, 189: 0x84, 190: 0x5a, 191: 0x74, 192: 0xf9, 193: 0x6d, 194: 0x6f,
	217: 0xe5, 226: 0xed, // search, media
}

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
