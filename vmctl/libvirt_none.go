//go:build !linux || !cgo

package vmctl

import (
	"runtime"

	"hither/fusion"
)

// openLibvirt refuses: libvirt's client needs cgo, and is used on Linux only.
func openLibvirt(uri string, _ func(string)) (driver, error) {
	return nil, &fusion.Error{Op: "machines.connect", Path: uri, Cause: fusion.ErrUnsupported,
		Detail: "this build has no libvirt (" + runtime.GOOS + ")",
		Hint:   "virtual machines run on Linux hosts; pair one to use its machines from here"}
}

// Bare is refused likewise.
type Bare struct{}

// OpenBare refuses.
func OpenBare(uri string) (*Bare, error) {
	_, err := openLibvirt(uri, nil)
	return nil, err
}

// List and Close have nothing to do.
func (*Bare) List() (int, error) { return 0, fusion.ErrUnsupported }
func (*Bare) Close() error       { return nil }
