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
