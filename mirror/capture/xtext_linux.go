package capture

import (
	"slices"
	"time"

	"hither/fusion"
)

const (
	// maxSpares is how many keycodes without keysyms are bound to characters
	// that no key has.
	maxSpares = 48
	// rebindAfter is how long a bound keycode is kept after its last use, and
	// rebindEach how much longer for each keycode that was bound at once. A
	// program asks for the keymap when it handles a key, not when the key was
	// struck: what it asks for must still say what was meant then.
	rebindAfter = 250 * time.Millisecond
	rebindEach  = 5 * time.Millisecond
	// unbindPatience bounds the last request of a connection that ends.
	unbindPatience = time.Second
)

// xtypist types text on a display, on the connection of xinput, whose mu guards
// it. A character that no key of the display has is bound to a spare keycode
// (ChangeKeyboardMapping), which other characters take over later; close gives
// all of them back.
type xtypist struct {
	xkb   byte      // XKEYBOARD's opcode; 0 until it was asked for
	bound []binding // least recently used first
	now   func() time.Time
}

type binding struct {
	code byte
	sym  uint32
	free time.Time // it may be bound to another one from then on
}

// Requests of the X Keyboard Extension, and its name for the keyboard.
const (
	xkbGetState       = 4
	xkbLatchLockState = 5
	xkbCore           = 0x100
	xkbVersion        = 1 // 1.0
	lockMask          = 1 << 1
	shiftMask         = 1 << 0
)

// text types a text as it stands, whatever Caps Lock, Shift and the layout's
// group are; other modifiers that are held count. It needs mu.
func (in *xinput) text(text string) error {
	keymap, err := in.keymap()
	if err != nil {
		return err
	}
	in.typist.keep(keymap)
	lift, shift, err := in.choosers(keymap)
	if err != nil {
		return err
	}
	locked, err := in.locks()
	if err != nil {
		return err
	}
	in.lock(0, 0)
	for _, code := range lift {
		in.fake(keyPress+releaseOffset, code, 0, 0)
	}
	left, err := in.strike(keymap, []rune(text), shift)
	for _, code := range lift {
		in.fake(keyPress, code, 0, 0)
	}
	in.lock(locked[0], locked[1])
	if err == nil {
		err = in.conn.sync()
	}
	if err != nil {
		return err
	}
	return untyped(left)
}

// keymap asks for the keyboard's keysyms.
func (in *xinput) keymap() (xkeymap, error) {
	const first, count = 8, 248                           // of all servers that have evdev's keycodes
	b, err := in.conn.call(101, 0, words(first|count<<8)) // GetKeyboardMapping
	if err != nil {
		return xkeymap{}, err
	}
	m := xkeymap{first: first, per: int(b[1])}
	for b = b[32:]; len(b) >= 4 && len(m.syms) < count*m.per; b = b[4:] {
		m.syms = append(m.syms, le.Uint32(b))
	}
	return m, nil
}

// choosers gives the keys that are down and would make another one type
// something else, and a Shift key.
func (in *xinput) choosers(m xkeymap) (down []byte, shift byte, err error) {
	b, err := in.conn.call(44, 0, nil) // QueryKeymap
	if err != nil {
		return nil, 0, err
	}
	for code := range m.codes {
		if b[8+code/8]&(1<<(code%8)) != 0 && m.chooses(code) {
			down = append(down, code)
		}
	}
	shift, _, ok := m.find(xkShiftL)
	if !ok {
		return nil, 0, failed(x11Op, "", fusion.ErrUnsupported, "the display's keyboard has no Shift key", "")
	}
	return down, shift, nil
}

// locks gives the modifiers and the group that are locked.
func (in *xinput) locks() (locked [2]byte, err error) {
	if in.typist.xkb == 0 {
		xkb, err := in.conn.extension("XKEYBOARD", words(xkbVersion))
		if err != nil {
			return locked, err
		}
		in.typist.xkb = xkb.major
	}
	b, err := in.conn.call(in.typist.xkb, xkbGetState, words(xkbCore))
	if err != nil {
		return locked, err
	}
	return [2]byte{b[11] & (lockMask | shiftMask), b[13]}, nil
}

// lock sets Caps Lock, a locked Shift and the group.
func (in *xinput) lock(mods, group byte) {
	const lockGroup = 1
	in.conn.request(in.typist.xkb, xkbLatchLockState,
		[]byte{xkbCore & 0xff, xkbCore >> 8, lockMask | shiftMask, mods, lockGroup, group, lockMask | shiftMask, 0, 0, 0, 0, 0})
}

// strike types runes and gives those that it cannot. It binds spare keycodes
// for as many as there are, strikes the keys, and goes on with the rest.
func (in *xinput) strike(m xkeymap, text []rune, shift byte) (left []rune, err error) {
	for len(text) > 0 {
		n, missing := in.typist.fit(m, text)
		if n == 0 { // it needs a keycode and there is none
			left, text = append(left, text[0]), text[1:]
			continue
		}
		if err := in.bind(m, missing); err != nil {
			return left, err
		}
		for _, r := range text[:n] {
			if !in.struck(m, xkeysym(r), shift) {
				left = append(left, r)
			}
		}
		text = text[n:]
		if err := in.conn.sync(); err != nil {
			return left, err
		}
	}
	return left, nil
}

// struck strikes the key of a keysym; false is that there is none.
func (in *xinput) struck(m xkeymap, sym uint32, shift byte) bool {
	code, shifted, ok := m.find(sym)
	if !ok {
		return false
	}
	if shifted {
		in.fake(keyPress, shift, 0, 0)
	}
	in.fake(keyPress, code, 0, 0)
	in.fake(keyPress+releaseOffset, code, 0, 0)
	if shifted {
		in.fake(keyPress+releaseOffset, shift, 0, 0)
	}
	in.typist.used(sym)
	return true
}

// bind gives spare keycodes the keysyms that no key has, in the display and in
// m. It waits until those that it takes from other characters are free.
func (in *xinput) bind(m xkeymap, missing []uint32) error {
	if len(missing) == 0 {
		return nil
	}
	t := &in.typist
	free := t.now().Add(rebindAfter + rebindEach*time.Duration(len(missing)))
	for _, sym := range missing {
		code := t.take(m)
		t.bound = append(t.bound, binding{code, sym, free})
		in.rebind(code, sym)
		for i := range m.of(code) {
			m.of(code)[i] = sym
		}
	}
	return in.conn.sync()
}

// rebind makes a key type a keysym, 0 for none, with Shift and without.
func (in *xinput) rebind(code byte, sym uint32) {
	const columns = 2
	in.conn.request(100, 1, words(uint32(code)|columns<<8, sym, sym)) // ChangeKeyboardMapping
}

// unbind gives the bound keycodes back, before the connection ends. The display
// may be gone: then there is nothing to give back. It needs mu.
func (in *xinput) unbind() {
	if len(in.typist.bound) == 0 {
		return
	}
	for _, b := range in.typist.bound {
		in.rebind(b.code, 0)
	}
	in.typist.bound = nil
	_ = in.conn.conn.SetDeadline(time.Now().Add(unbindPatience))
	_ = in.conn.sync()
}

// fit gives how many runes of a text can be typed with what may be bound at
// once, and the keysyms to bind for them. What is bound already and used by
// them is not the next to be taken.
func (t *xtypist) fit(m xkeymap, text []rune) (n int, missing []uint32) {
	room, needed := t.room(m), map[uint32]bool{}
	for i, r := range text {
		sym := xkeysym(r)
		_, _, has := m.find(sym)
		if sym == 0 || needed[sym] || has && !t.binds(sym) {
			continue
		}
		if len(needed) == room {
			return i, missing
		}
		needed[sym] = true
		if has {
			t.used(sym)
		} else {
			missing = append(missing, sym)
		}
	}
	return len(text), missing
}

// keep forgets what is bound no more: another program set the keymap.
func (t *xtypist) keep(m xkeymap) {
	t.bound = slices.DeleteFunc(t.bound, func(b binding) bool { return m.of(b.code)[0] != b.sym })
}

func (t *xtypist) binds(sym uint32) bool {
	return slices.ContainsFunc(t.bound, func(b binding) bool { return b.sym == sym })
}

// room is how many keysyms may be bound at once.
func (t *xtypist) room(m xkeymap) int {
	n := len(t.bound)
	for range m.spares {
		n++
	}
	return min(n, maxSpares)
}

// take gives a keycode to bind: a spare one, else the one that was used least
// recently, once its character has certainly been read.
func (t *xtypist) take(m xkeymap) byte {
	if len(t.bound) < maxSpares {
		for code := range m.spares {
			return code
		}
	}
	oldest := t.bound[0]
	t.bound = slices.Delete(t.bound, 0, 1)
	time.Sleep(oldest.free.Sub(t.now()))
	return oldest.code
}

// used notes that a bound keysym was typed.
func (t *xtypist) used(sym uint32) {
	i := slices.IndexFunc(t.bound, func(b binding) bool { return b.sym == sym })
	if i < 0 {
		return
	}
	b := t.bound[i]
	if free := t.now().Add(rebindAfter); free.After(b.free) {
		b.free = free
	}
	t.bound = append(slices.Delete(t.bound, i, i+1), b)
}
