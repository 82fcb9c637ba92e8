//go:build cgo

package vmctl

import (
	"time"

	"libvirt.org/go/libvirt"
)

func (c *connection) sendKeys(uuid string, keys []uint16, hold time.Duration) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	codes := make([]uint, len(keys))
	for i, key := range keys {
		codes[i] = uint(key)
	}
	return translate(d.SendKey(uint(libvirt.KEYCODE_SET_LINUX), uint(hold.Milliseconds()), codes, 0))
}
