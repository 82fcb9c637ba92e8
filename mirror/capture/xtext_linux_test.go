package capture

import (
	"slices"
	"testing"
	"time"
)

// testKeymap has a key with a and A, one with 1 and !, a Shift and n spares.
func testKeymap(spares int) xkeymap {
	m := xkeymap{first: 8, per: 2, syms: []uint32{0, 0, 'a', 'A', '1', '!', xkShiftL, 0}}
	m.syms = append(m.syms, make([]uint32, 2*spares)...)
	return m
}

func TestKeymapFindsKeysWithAndWithoutShift(t *testing.T) {
	m := testKeymap(1)
	for _, c := range []struct {
		r     rune
		code  byte
		shift bool
		ok    bool
	}{{'a', 9, false, true}, {'A', 9, true, true}, {'!', 10, true, true}, {'é', 0, false, false}} {
		code, shift, ok := m.find(xkeysym(c.r))
		if code != c.code || shift != c.shift || ok != c.ok {
			t.Errorf("%q: key %d, shift %v, %v", c.r, code, shift, ok)
		}
	}
	if !m.chooses(11) || m.chooses(9) {
		t.Error("which key is a Shift")
	}
}

func TestKeysymsOfCharacters(t *testing.T) {
	for r, want := range map[rune]uint32{'a': 'a', 'é': 0xe9, '中': 0x01004e2d, '\n': xkReturn, '\t': xkTab, '\x01': 0, 0x85: 0, '😀': 0x0101f600} {
		if got := xkeysym(r); got != want {
			t.Errorf("%q: %x, want %x", r, got, want)
		}
	}
}

func TestTypistBindsNoMoreThanThereIsRoomFor(t *testing.T) {
	typist := xtypist{now: time.Now}
	m := testKeymap(3) // keycode 8 is never taken
	n, missing := typist.fit(m, []rune("a中a中文字1"))
	if n != 7 || !slices.Equal(missing, []uint32{xkeysym('中'), xkeysym('文'), xkeysym('字')}) {
		t.Errorf("%d runes, %x", n, missing)
	}
	if n, _ := typist.fit(m, []rune("中文字母语")); n != 3 {
		t.Errorf("%d runes with three spare keys", n)
	}
	if n, _ := typist.fit(testKeymap(0), []rune("中")); n != 0 {
		t.Errorf("%d runes without a spare key", n)
	}
}

// What a text still needs is not taken from it for another character.
func TestTypistKeepsWhatTheTextNeeds(t *testing.T) {
	clock := time.Unix(100, 0)
	typist := xtypist{now: func() time.Time { return clock }}
	m := testKeymap(2)
	bind := func(text string) {
		_, missing := typist.fit(m, []rune(text))
		for _, sym := range missing {
			code := typist.take(m)
			typist.bound = append(typist.bound, binding{code, sym, clock})
			m.of(code)[0], m.of(code)[1] = sym, sym
		}
	}
	bind("中文")
	bind("中字") // 文 gives way, although 中 is older
	for _, r := range "中字" {
		if _, _, ok := m.find(xkeysym(r)); !ok {
			t.Errorf("%c has no key", r)
		}
	}
	if _, _, ok := m.find(xkeysym('文')); ok {
		t.Error("文 kept its key")
	}
}
