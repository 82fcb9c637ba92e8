// Package xt turns the physical keys of docs/wire.md (Linux evdev codes) into
// the scan codes of set 1, the PC/XT keyboard's, and back: QEMU and Windows
// speak of keys in these. A prefix of e0 is the bit 0x80.
//
// The table is that of keycodemapdb, which QEMU uses.
package xt

// Code gives the scan code of a key; 0 is a key that has none. Up to KP_Dot
// evdev took its numbers from this keyboard.
func Code(evdev uint16) byte {
	if evdev <= 83 {
		return byte(evdev)
	}
	return codes[evdev]
}

// Evdev gives the key of a scan code; ok is false for one that is no key.
func Evdev(code byte) (evdev uint16, ok bool) {
	if code > 0 && code <= 83 {
		return uint16(code), true
	}
	evdev, ok = keys[code]
	return evdev, ok
}

// codes are those from 85 on (linux/input-event-codes.h).
var codes = map[uint16]byte{
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

// keys is the way back; no two keys have one code.
var keys = func() map[byte]uint16 {
	m := map[byte]uint16{}
	for evdev, code := range codes {
		m[code] = evdev
	}
	return m
}()
