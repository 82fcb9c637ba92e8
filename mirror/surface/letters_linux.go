package surface

import (
	"fmt"
	"unicode/utf8"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// letter sends what a key types. False is a key that types nothing. The display
// is asked about each key: it tells of another layout in ways that xgb does not
// read.
func (v *view) letter(h *hands, p *pane, keycode byte, state uint16) bool {
	if !v.cfg.Letters {
		return false
	}
	reply, err := xproto.GetKeyboardMapping(v.display.conn, xproto.Keycode(keycode), 1).Reply()
	if err != nil {
		v.cfg.Log.Debug("keysyms", "err", err)
		return false
	}
	var syms []uint32
	for _, sym := range reply.Keysyms {
		syms = append(syms, uint32(sym))
	}
	text, ok := h.letters.press(syms, state)
	if text != "" {
		v.input(p, wire.Text{Text: text})
	}
	return ok
}

// untyped shows that the host cannot type something. Its font has few scripts,
// so it counts the characters.
func (v *view) untyped(text string) {
	v.cfg.Log.Info("not typed at the host", "text", text)
	if p := v.focus.Load(); p != nil {
		v.overlay.note(p, fmt.Sprintf("%d of these characters cannot be typed there", utf8.RuneCountInString(text)))
	}
}
