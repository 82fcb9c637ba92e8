//go:build !linux

package mesh

import "hither/fusion"

// openDevice says that there is none: network devices are made on Linux only, so far.
func (r *running) openDevice() error {
	return &fusion.Error{Op: "net.up", Cause: fusion.ErrUnsupported, Detail: "network devices are made on Linux only, so far", Hint: "programs go out by a proxy meanwhile: hither proxy 1080 HOST"}
}

func passing(error) bool { return false }
