package pipewire

import (
	"encoding/binary"
	"errors"
)

// What of SPA's objects is written and read here: spa/utils/type.h,
// spa/pod/pod.h, spa/param/*.h.
const (
	podID        = 3
	podInt       = 4
	podRectangle = 10
	podFraction  = 11
	podObject    = 15
	podChoice    = 19

	objectFormat  = 0x40003
	objectBuffers = 0x40004
	objectMeta    = 0x40005

	paramEnumFormat = 3
	paramFormat     = 4
	paramBuffers    = 5
	paramMeta       = 6
)

const (
	choiceRange = 1 // default, min, max
	choiceEnum  = 3 // default, alternatives
	choiceFlags = 4 // allowed bits
)

// ne is the order of bytes of a pod, which is the machine's own.
var ne = binary.NativeEndian

// value is a pod: its type and the bytes of its body.
type value struct {
	kind uint32
	body []byte
}

// numbers makes a body of 32-bit numbers.
func numbers(all ...uint32) (b []byte) {
	for _, n := range all {
		b = ne.AppendUint32(b, n)
	}
	return b
}

func id(n uint32) value                  { return value{podID, numbers(n)} }
func rectangle(w, h uint32) value        { return value{podRectangle, numbers(w, h)} }
func fraction(num, denom uint32) value   { return value{podFraction, numbers(num, denom)} }
func integer(n uint32) value             { return value{podInt, numbers(n)} }
func ranging(first, low, up value) value { return choice(choiceRange, first, low, up) }

// choice gives values of one type to choose from.
func choice(kind uint32, values ...value) value {
	b := numbers(kind, 0, uint32(len(values[0].body)), values[0].kind)
	for _, v := range values {
		b = append(b, v.body...)
	}
	return value{podChoice, b}
}

// property is one of an object's.
type property struct {
	key uint32
	value
}

// object makes the bytes of an object pod.
func object(kind, param uint32, properties ...property) []byte {
	body := numbers(kind, param)
	for _, p := range properties {
		body = append(body, numbers(p.key, 0, uint32(len(p.body)), p.kind)...)
		body = append(body, p.body...)
		body = append(body, make([]byte, -len(body)&7)...)
	}
	return append(numbers(uint32(len(body)), podObject), body...)
}

var errPod = errors.New("pipewire: not an object of this type")

// parse gives the properties of an object pod by their keys. Of a choice it
// gives the first value, which is the default.
func parse(b []byte, kind uint32) (map[uint32]value, error) {
	if len(b) < 16 || ne.Uint32(b[4:]) != podObject || ne.Uint32(b[8:]) != kind {
		return nil, errPod
	}
	size := int64(ne.Uint32(b))
	if size < 8 || size > int64(len(b)-8) {
		return nil, errPod
	}
	all := map[uint32]value{}
	for b = b[16 : 8+size]; len(b) > 0; {
		if len(b) < 16 {
			return nil, errPod
		}
		size := int64(ne.Uint32(b[8:]))
		if size > int64(len(b)-16) {
			return nil, errPod
		}
		v, err := value{ne.Uint32(b[12:]), b[16 : 16+size]}.first()
		if err != nil {
			return nil, err
		}
		all[ne.Uint32(b)] = v
		b = b[min(16+(size+7)&^7, int64(len(b))):]
	}
	return all, nil
}

// first gives the first value of a choice, and others as they are.
func (v value) first() (value, error) {
	if v.kind != podChoice {
		return v, nil
	}
	if len(v.body) < 16 {
		return value{}, errPod
	}
	size := int64(ne.Uint32(v.body[8:]))
	if size > int64(len(v.body)-16) {
		return value{}, errPod
	}
	return value{ne.Uint32(v.body[12:]), v.body[16 : 16+size]}, nil
}

// pair gives the one or two numbers of a value, 0 where it has none.
func (v value) pair() (a, b uint32) {
	if len(v.body) >= 4 {
		a = ne.Uint32(v.body)
	}
	if len(v.body) >= 8 {
		b = ne.Uint32(v.body[4:])
	}
	return a, b
}
