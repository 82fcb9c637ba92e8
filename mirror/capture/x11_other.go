//go:build !linux

package capture

import (
	"context"

	"hither/fusion"
)

// X11 answers ErrUnsupported: X displays are captured on Linux.
func X11(context.Context, X11Config) (Source, error) {
	return nil, failed(x11Op, "", fusion.ErrUnsupported, "this system's screen cannot be captured yet",
		"open a machine of a Linux host instead")
}
