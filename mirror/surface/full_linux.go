package surface

import (
	"encoding/binary"

	"github.com/jezek/xgb/xproto"
)

// toggleFull asks the window manager for full screen, or back
// (_NET_WM_STATE of the Extended Window Manager Hints).
func (w *window) toggleFull() {
	const toggle, fromApplication = 2, 1
	w.toRoot(xproto.ClientMessageEvent{Format: 32, Window: w.outer, Type: w.atoms["_NET_WM_STATE"],
		Data: xproto.ClientMessageDataUnionData32New([]uint32{
			toggle, uint32(w.atoms["_NET_WM_STATE_FULLSCREEN"]), 0, fromApplication, 0})})
}

// toRoot sends a message to the window manager.
func (w *window) toRoot(e xproto.ClientMessageEvent) {
	xproto.SendEvent(w.conn, false, w.screen.Root,
		xproto.EventMaskSubstructureNotify|xproto.EventMaskSubstructureRedirect, string(e.Bytes()))
}

// isFull reads whether the window manager has the window in full screen.
func (w *window) isFull() bool {
	reply, err := xproto.GetProperty(w.conn, false, w.outer, w.atoms["_NET_WM_STATE"],
		xproto.AtomAtom, 0, 64).Reply()
	if err != nil || reply.Format != 32 {
		return false
	}
	for b := reply.Value; len(b) >= 4; b = b[4:] {
		if xproto.Atom(binary.LittleEndian.Uint32(b)) == w.atoms["_NET_WM_STATE_FULLSCREEN"] {
			return true
		}
	}
	return false
}

// grab takes the keyboard, so that the window manager's keys reach the remote
// machine, or gives it back.
func (w *window) grab(take bool) {
	if !take {
		xproto.UngrabKeyboard(w.conn, xproto.TimeCurrentTime)
		return
	}
	// A refused grab (another program has one) costs only the manager's keys.
	xproto.GrabKeyboard(w.conn, true, w.outer, xproto.TimeCurrentTime,
		xproto.GrabModeAsync, xproto.GrabModeAsync)
}
