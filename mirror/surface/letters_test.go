package surface

import "testing"

// german are keys of a German keyboard: y, q with @, ´ and ß, a level key, and a
// Russian second group on y.
var german = map[byte][]uint32{
	24: {'z', 'Z', 0x6ce, 0x6ee, 0xfb, 0xa5}, // Cyrillic_en
	25: {'q', 'Q', 'q', 'Q', '@', 0x7d9},     // Greek_OMEGA
	26: {0xfe51, 0xfe50, 0, 0, 0, 0},         // dead acute, dead grave
	27: {0xfe03, 0, 0, 0, 0, 0},
	28: {'e', 'E', 0, 0, 0x20ac, 0x20ac},
	29: {' ', ' ', 0, 0, 0, 0},
	30: {0xff0d, 0, 0, 0, 0, 0},     // Return
	31: {0x01001e9e, 0, 0, 0, 0, 0}, // capital sharp s
}

func TestLettersAreThoseOfTheLayout(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []byte
		with uint16
		want string
		is   bool
	}{
		{"z where a US keyboard has y", []byte{24}, 0, "z", true},
		{"with Shift", []byte{24}, shiftState, "Z", true},
		{"with Caps Lock", []byte{24}, lockState, "Z", true},
		{"with both", []byte{24}, lockState | shiftState, "z", true},
		{"with Ctrl", []byte{24}, 1 << 2, "z", true},
		{"in the second group", []byte{24}, 1 << groupShift, "н", true},
		{"with AltGr", []byte{25}, level3State, "@", true},
		{"Greek", []byte{25}, level3State | shiftState, "Ω", true},
		{"the euro", []byte{28}, level3State, "€", true},
		{"Unicode", []byte{31}, 0, "ẞ", true},
		{"AltGr itself", []byte{27}, 0, "", true},
		{"a dead key and its letter", []byte{26, 28}, 0, "é", true},
		{"a dead key with one it does not fit", []byte{26, 25}, 0, "´q", true},
		{"a dead key alone", []byte{26, 29}, 0, "´", true},
		{"Space is a key", []byte{29}, 0, "", false},
		{"Return is a key", []byte{30}, 0, "", false},
		{"a key the server does not know", []byte{99}, 0, "", false},
	} {
		var l letters
		var text string
		var is bool
		for _, key := range c.keys {
			text, is = l.press(german[key], c.with)
		}
		if text != c.want || is != c.is {
			t.Errorf("%s: %q, %v", c.name, text, is)
		}
	}
}
