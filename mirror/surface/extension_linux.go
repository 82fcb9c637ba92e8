package surface

import (
	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"hither/fusion"
)

// useExtension makes an extension's requests usable, as xgb's own Init would.
// Init also enters the extension's events into a map that all connections of
// the process read without a lock; we want none of those events.
func useExtension(conn *xgb.Conn, name string) error {
	reply, err := xproto.QueryExtension(conn, uint16(len(name)), name).Reply()
	if err != nil {
		return err
	}
	if !reply.Present {
		return opError(fusion.ErrUnsupported, "the X server lacks "+name, "")
	}
	conn.ExtLock.Lock()
	defer conn.ExtLock.Unlock()
	conn.Extensions[name] = reply.MajorOpcode
	return nil
}
