//go:build amd64 || arm64

package wlinput

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"

	"hither/fusion"
)

// libxkbcommon is the functions of libxkbcommon.so.0 that are used here.
type libxkbcommon struct {
	contextNew  func(flags int32) unsafe.Pointer
	contextEnd  func(context unsafe.Pointer)
	ofNames     func(context, names unsafe.Pointer, flags int32) unsafe.Pointer
	ofText      func(context unsafe.Pointer, text string, format, flags int32) unsafe.Pointer
	text        func(keymap unsafe.Pointer, format int32) unsafe.Pointer
	keymapEnd   func(keymap unsafe.Pointer)
	stateNew    func(keymap unsafe.Pointer) unsafe.Pointer
	stateEnd    func(state unsafe.Pointer)
	update      func(state unsafe.Pointer, key uint32, direction int32) int32
	modifiers   func(state unsafe.Pointer, components int32) uint32
	layout      func(state unsafe.Pointer, components int32) uint32
	releaseText func(p unsafe.Pointer)
}

func (l *libxkbcommon) functions() map[string]any {
	return map[string]any{
		"xkb_context_new": &l.contextNew, "xkb_context_unref": &l.contextEnd,
		"xkb_keymap_new_from_names": &l.ofNames, "xkb_keymap_new_from_string": &l.ofText,
		"xkb_keymap_get_as_string": &l.text, "xkb_keymap_unref": &l.keymapEnd,
		"xkb_state_new": &l.stateNew, "xkb_state_unref": &l.stateEnd, "xkb_state_update_key": &l.update,
		"xkb_state_serialize_mods": &l.modifiers, "xkb_state_serialize_layout": &l.layout,
		"free": &l.releaseText, // of the C library that it stands on
	}
}

// library loads libxkbcommon when it is first needed.
var library = sync.OnceValues(func() (*libxkbcommon, error) {
	handle, err := purego.Dlopen("libxkbcommon.so.0", purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, failed(fusion.ErrUnsupported, "keys need libxkbcommon", "install libxkbcommon0")
	}
	l := new(libxkbcommon)
	for name, function := range l.functions() {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, failed(fusion.ErrUnsupported, err.Error(), "")
		}
		purego.RegisterFunc(function, symbol)
	}
	return l, nil
})

// textV1 is XKB_KEYMAP_FORMAT_TEXT_V1.
const textV1 = 1

// layout knows which modifiers the keys that are down make.
type layout struct {
	lib                    *libxkbcommon
	context, keymap, state unsafe.Pointer
	text                   string
}

// modifiers is what zwp_virtual_keyboard_v1.modifiers says.
type modifiers struct{ depressed, latched, locked, group uint32 }

// openLayout takes the keymap of the seat's keyboard, else the default one
// ($XKB_DEFAULT_LAYOUT and its like, else a US keyboard).
func openLayout(c *conn, d *desk) (*layout, error) {
	lib, err := library()
	if err != nil {
		return nil, err
	}
	l := &layout{lib: lib, context: lib.contextNew(0)}
	if l.text, err = seatKeymap(c, d); err != nil {
		return nil, err
	}
	if l.text != "" {
		l.keymap = lib.ofText(l.context, l.text, textV1, 0)
	} else if l.keymap = lib.ofNames(l.context, nil, 0); l.keymap != nil {
		p := lib.text(l.keymap, textV1)
		l.text = goString(p)
		lib.releaseText(p)
	}
	if l.keymap == nil {
		l.close()
		return nil, failed(fusion.ErrUnsupported, "there is no keymap", "install xkb-data")
	}
	l.state = lib.stateNew(l.keymap)
	return l, nil
}

// press notes a key and gives what is held then.
func (l *layout) press(code uint16, down bool) modifiers {
	const depressed, latched, locked, effectiveLayout = 1 << 0, 1 << 1, 1 << 2, 1 << 7
	l.lib.update(l.state, uint32(code)+8, int32(state(down)))
	return modifiers{
		l.lib.modifiers(l.state, depressed), l.lib.modifiers(l.state, latched), l.lib.modifiers(l.state, locked),
		l.lib.layout(l.state, effectiveLayout),
	}
}

func (l *layout) close() {
	if l.state != nil {
		l.lib.stateEnd(l.state)
	}
	if l.keymap != nil {
		l.lib.keymapEnd(l.keymap)
	}
	l.lib.contextEnd(l.context)
}

// maxKeymap bounds a keymap that is read; usual ones have 60 kB.
const maxKeymap = 1 << 20

// seatKeymap gives the keymap of the seat's keyboard, "" if it has none.
func seatKeymap(c *conn, d *desk) (text string, err error) {
	if !d.keyboard {
		return "", nil
	}
	keyboard := c.name()
	if err := c.send(-1, write(d.seat, 1, keyboard)); err != nil { // wl_seat.get_keyboard
		return "", err
	}
	var format, size uint32
	if err := c.roundTrip(func(e event) {
		if e.from == keyboard && e.code == 0 { // wl_keyboard.keymap
			format, size = e.number(), e.number()
		}
	}); err != nil {
		return "", err
	}
	fd, ok := c.file()
	if !ok {
		return "", nil
	}
	file := os.NewFile(uintptr(fd), "keymap")
	defer func() { err = errors.Join(err, file.Close()) }()
	if format != 1 || size == 0 || size > maxKeymap {
		return "", nil
	}
	b := make([]byte, size)
	if _, err := file.ReadAt(b, 0); err != nil {
		return "", fmt.Errorf("wayland: keymap: %w", err)
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b), nil
}

// memory makes a file of a text with a zero behind it.
func memory(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("hither-keymap", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "keymap")
	if _, err := file.WriteString(text + "\x00"); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// goString copies a string of C.
func goString(p unsafe.Pointer) string {
	var b []byte
	for ; p != nil && len(b) < maxKeymap && *(*byte)(p) != 0; p = unsafe.Add(p, 1) {
		b = append(b, *(*byte)(p))
	}
	return string(b)
}
