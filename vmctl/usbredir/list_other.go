//go:build !linux

package usbredir

// List gives no device.
func (Host) List() ([]Device, error) { return nil, nil }
