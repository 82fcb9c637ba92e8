//go:build !linux || !(amd64 || arm64)

package portal

import (
	"context"

	"hither/fusion"
	"hither/mirror/capture"
)

// Open answers ErrUnsupported: Wayland sessions are captured on 64-bit Linux.
func Open(context.Context, Config) (capture.Source, error) {
	return nil, failed(fusion.ErrUnsupported, "this system's screen cannot be captured yet",
		"open a machine of a Linux host instead")
}
