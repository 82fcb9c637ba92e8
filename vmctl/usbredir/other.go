//go:build !linux || !(amd64 || arm64)

package usbredir

import "hither/fusion"

var errPlatform = &fusion.Error{Op: op, Cause: fusion.ErrUnsupported, Detail: "USB devices of this kind of computer cannot be given away",
	Hint: "plug it into a computer with Linux"}

// Check refuses every device.
func (Host) Check(Device) error { return errPlatform }

// Open refuses every device.
func (Host) Open(Device) (Session, error) { return nil, errPlatform }

// Restore has nothing to do where nothing was taken.
func (Host) Restore(Device) error { return errPlatform }
