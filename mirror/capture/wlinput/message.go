package wlinput

import (
	"encoding/binary"
	"errors"
)

// ne is the order of bytes of Wayland's wire, which is the machine's own.
var ne = binary.NativeEndian

// object names one of the objects that both sides know.
type object uint32

// event is a message of the compositor's.
type event struct {
	from object
	code uint16
	args []byte
}

var errMessage = errors.New("wayland: a message of impossible length")

// cut takes the first event off b. ok is false if it is not whole yet.
func cut(b []byte) (e event, rest []byte, ok bool, err error) {
	if len(b) < 8 {
		return event{}, b, false, nil
	}
	size := int(ne.Uint32(b[4:]) >> 16)
	if size < 8 || size%4 != 0 {
		return event{}, b, false, errMessage
	}
	if len(b) < size {
		return event{}, b, false, nil
	}
	return event{object(ne.Uint32(b)), uint16(ne.Uint32(b[4:])), b[8:size]}, b[size:], true, nil
}

// number takes an argument off the event; 0 if there is none.
func (e *event) number() uint32 {
	if len(e.args) < 4 {
		e.args = nil
		return 0
	}
	n := ne.Uint32(e.args)
	e.args = e.args[4:]
	return n
}

// text takes a string off the event.
func (e *event) text() string {
	size := int64(e.number())
	if size == 0 || size > int64(len(e.args)) {
		return ""
	}
	s := string(e.args[:size-1])
	e.args = e.args[min((size+3)&^3, int64(len(e.args))):]
	return s
}

// write makes a request: numbers (uint32, int32, object) and strings.
func write(to object, code uint16, args ...any) []byte {
	b := make([]byte, 8, 64)
	for _, arg := range args {
		switch v := arg.(type) {
		case uint32:
			b = ne.AppendUint32(b, v)
		case int32:
			b = ne.AppendUint32(b, uint32(v))
		case object:
			b = ne.AppendUint32(b, uint32(v))
		case string:
			b = ne.AppendUint32(b, uint32(len(v)+1))
			b = append(append(b, v...), make([]byte, 4-len(v)%4)...)
		default:
			panic("wayland: no such argument")
		}
	}
	ne.PutUint32(b, uint32(to))
	ne.PutUint32(b[4:], uint32(len(b))<<16|uint32(code))
	return b
}
