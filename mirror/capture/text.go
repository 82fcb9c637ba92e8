package capture

import "strconv"

// UntypedError is what Input returns for a wire.Text of which it typed all but
// these characters.
type UntypedError struct{ Text string }

func (e *UntypedError) Error() string { return "cannot be typed here: " + strconv.Quote(e.Text) }

// untyped makes an error of characters that were left out, or nil of none.
func untyped(left []rune) error {
	if len(left) == 0 {
		return nil
	}
	return &UntypedError{string(left)}
}

// Keys that type what is no character, and that choose one of a key's.
const (
	evdevTab        = 15
	evdevEnter      = 28
	evdevLeftShift  = 42
	evdevRightShift = 54
	evdevSpace      = 57
)

// usKey is how a US keyboard types a character.
type usKey struct {
	code    uint16 // evdev
	shifted bool
	letter  bool // Caps Lock counts as Shift
}

// usKeys are the characters of a US keyboard.
var usKeys = makeUSKeys()

func makeUSKeys() map[rune]usKey {
	m := map[rune]usKey{'\n': {code: evdevEnter}, '\t': {code: evdevTab}, ' ': {code: evdevSpace}}
	for _, row := range []struct {
		first          uint16
		plain, shifted string
	}{
		{2, "1234567890-=", "!@#$%^&*()_+"}, {16, "qwertyuiop[]", "QWERTYUIOP{}"},
		{30, "asdfghjkl;'`", "ASDFGHJKL:\"~"}, {43, `\zxcvbnm,./`, "|ZXCVBNM<>?"},
	} {
		for i := range len(row.plain) {
			code := row.first + uint16(i)
			letter := row.plain[i] >= 'a' && row.plain[i] <= 'z'
			m[rune(row.plain[i])] = usKey{code, false, letter}
			m[rune(row.shifted[i])] = usKey{code, true, letter}
		}
	}
	return m
}
