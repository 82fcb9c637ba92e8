package wlinput

import (
	"fmt"
	"slices"
	"strings"
)

// maxSymbols is how many characters a keymap has at most: XKB's keycodes that
// programs of X11 know too, from 9 to 255.
const maxSymbols = 247

// sheet is a keymap on which each character of a text has a key of its own, and
// the keys, as evdev codes, that write the text there.
type sheet struct {
	keymap string
	keys   []uint32
}

// sheets divides a text into parts that fit on a keymap each.
func sheets(text string) (all []sheet) {
	for rest := []rune(text); len(rest) > 0; {
		var symbols []rune
		var s sheet
		for len(rest) > 0 {
			at := slices.Index(symbols, rest[0])
			if at < 0 {
				if len(symbols) == maxSymbols {
					break
				}
				at = len(symbols)
				symbols = append(symbols, rest[0])
			}
			s.keys = append(s.keys, uint32(at)+1)
			rest = rest[1:]
		}
		s.keymap = keymapOf(symbols)
		all = append(all, s)
	}
	return all
}

// keymapOf writes a keymap in XKB's text format; the first character has the
// evdev code 1.
func keymapOf(symbols []rune) string {
	var codes, keys strings.Builder
	for i, r := range symbols {
		fmt.Fprintf(&codes, "<K%d> = %d;\n", i, i+9)
		fmt.Fprintf(&keys, "key <K%d> { [ %s ] };\n", i, symbol(r))
	}
	return fmt.Sprintf(`xkb_keymap {
xkb_keycodes "text" { minimum = 8; maximum = 255;
%s};
xkb_types "text" { include "complete" };
xkb_compatibility "text" { include "complete" };
xkb_symbols "text" {
%s};
};
`, codes.String(), keys.String())
}

// symbol names a character's keysym.
func symbol(r rune) string {
	switch r {
	case '\n':
		return "Return"
	case '\t':
		return "Tab"
	}
	return fmt.Sprintf("U%04X", r)
}
