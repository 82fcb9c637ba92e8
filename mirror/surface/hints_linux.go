package surface

import (
	"image"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/wire"
)

// beginAs tells the window manager what a window of an app is, before it is
// shown.
func (w *window) beginAs(m wire.Window, at image.Rectangle, placed bool) {
	kind := "_NET_WM_WINDOW_TYPE_NORMAL"
	switch {
	case m.Flags&wire.Popup != 0:
		kind = "_NET_WM_WINDOW_TYPE_POPUP_MENU"
	case m.Flags&(wire.Dialog|wire.Modal) != 0:
		kind = "_NET_WM_WINDOW_TYPE_DIALOG"
	}
	w.property32("_NET_WM_WINDOW_TYPE", xproto.AtomAtom, uint32(w.atoms[kind]))
	w.beginState(m.Flags)
	w.decorate(m)
	w.limit(m, placed)
	w.moveTo(at)
}

// decorate says whether the manager shall give the window a title bar
// (_MOTIF_WM_HINTS). Without one, our frame is what it is resized by.
func (w *window) decorate(m wire.Window) {
	const decorations, all, none = 1 << 1, 1, 0
	hints, events := uint32(all), uint32(outerEvents)
	if m.Flags&wire.SelfDecorated != 0 {
		hints, events = none, outerEvents|frameEvents
	}
	w.property32("_MOTIF_WM_HINTS", w.atoms["_MOTIF_WM_HINTS"], decorations, 0, hints, 0, 0)
	xproto.ChangeWindowAttributes(w.conn, w.outer, xproto.CwEventMask, []uint32{events})
}

// limit sets the smallest and the largest size.
func (w *window) limit(m wire.Window, placed bool) {
	w.property32("WM_NORMAL_HINTS", w.atoms["WM_SIZE_HINTS"], sizeHints(m, w.frame, placed)...)
}

// childOf says which window this one belongs to.
func (w *window) childOf(parent *window) {
	w.property32("WM_TRANSIENT_FOR", xproto.AtomWindow, uint32(parent.outer))
}

// setIcon shows an icon, as iconPixels gives it.
func (w *window) setIcon(values []uint32) {
	w.property32("_NET_WM_ICON", xproto.AtomCardinal, values...)
}

// touched notes when the person last used the window; 0 means never, so that it
// takes no focus when it comes.
func (w *window) touched(time uint32) {
	w.property32("_NET_WM_USER_TIME", xproto.AtomCardinal, time)
}

// started ends the busy cursor of a desktop that started this program (Startup
// Notification, version 0.1).
func (w *window) started(id string) {
	w.property("_NET_STARTUP_ID", w.atoms["UTF8_STRING"], []byte(id))
	text := append([]byte("remove: ID="+quoted(id)), 0)
	kind := w.atoms["_NET_STARTUP_INFO_BEGIN"]
	for len(text) > 0 {
		part := make([]byte, 20)
		text = text[copy(part, text):]
		e := xproto.ClientMessageEvent{Format: 8, Window: w.outer, Type: kind,
			Data: xproto.ClientMessageDataUnionData8New(part)}
		xproto.SendEvent(w.conn, false, w.screen.Root, xproto.EventMaskPropertyChange, string(e.Bytes()))
		kind = w.atoms["_NET_STARTUP_INFO"]
	}
}

// quoted puts a value of a startup message into quotes.
func quoted(s string) string {
	out := []byte{'"'}
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			out = append(out, '\\')
		}
		out = append(out, s[i])
	}
	return string(append(out, '"'))
}
