//go:build cgo

package vmctl

import (
	"time"
	"unsafe"

	"libvirt.org/go/libvirt"
)

func (c *connection) sendKeys(uuid string, keys []uint16, hold time.Duration) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	return translate(d.SendKey(uint(libvirt.KEYCODE_SET_LINUX), uint(hold.Milliseconds()), cInts(keys), 0))
}

// cInts lays codes out as Domain.SendKey hands them on: it takes the memory of its []uint
// for C's unsigned ints (libvirt.org/go/libvirt v1.9000.0, domain.go), of which two lie in
// one uint of 64 bits.
func cInts(keys []uint16) []uint {
	codes := make([]uint, len(keys))
	if len(codes) == 0 {
		return codes
	}
	ints := unsafe.Slice((*uint32)(unsafe.Pointer(&codes[0])), len(codes))
	for i, key := range keys {
		ints[i] = uint32(key)
	}
	return codes
}
