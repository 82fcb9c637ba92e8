package surface

import (
	"encoding/binary"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// detectAutoRepeat asks the server to send a held key as presses without
// releases between (X Keyboard Extension, PerClientFlags with
// DetectableAutoRepeat). xgb has no XKB, so the two requests are made by hand.
// A server without XKB repeats as release and press: the remote machine then
// sees the key struck again and again, which is right too.
func detectAutoRepeat(conn *xgb.Conn) {
	const (
		useExtension         = 0
		perClientFlags       = 21
		useCoreKbd           = 0x0100
		detectableAutoRepeat = 1
	)
	name := "XKEYBOARD"
	reply, err := xproto.QueryExtension(conn, uint16(len(name)), name).Reply()
	if err != nil || !reply.Present {
		return
	}
	le := binary.LittleEndian
	use := make([]byte, 8)
	use[0], use[1] = reply.MajorOpcode, useExtension
	le.PutUint16(use[2:], 2)
	le.PutUint16(use[4:], 1) // version 1.0
	flags := make([]byte, 28)
	flags[0], flags[1] = reply.MajorOpcode, perClientFlags
	le.PutUint16(flags[2:], 7)
	le.PutUint16(flags[4:], useCoreKbd)
	le.PutUint32(flags[8:], detectableAutoRepeat)
	le.PutUint32(flags[12:], detectableAutoRepeat)
	for _, request := range [][]byte{use, flags} {
		cookie := conn.NewCookie(true, true)
		conn.NewRequest(request, cookie)
		if _, err := cookie.Reply(); err != nil {
			return
		}
	}
}
