//go:build !linux

package capture

import (
	"context"

	"hither/fusion"
	"hither/mirror/wire"
)

// XWindows captures windows of an X display, on Linux.
type XWindows struct{}

// X11Windows answers ErrUnsupported: X displays are captured on Linux.
func X11Windows(context.Context, X11Config) (*XWindows, error) {
	return nil, failed(x11Op, "", fusion.ErrUnsupported, "this system's windows cannot be captured yet",
		"open an app of a Linux host instead")
}

func (*XWindows) Open(context.Context, uint32, uint32) (Source, error) {
	return nil, failed(x11Op, "", fusion.ErrUnsupported, "", "")
}

func (*XWindows) Input(uint32, wire.Message) error {
	return failed(x11Op, "", fusion.ErrUnsupported, "", "")
}

func (*XWindows) Clipboard() Clipboard { return nil }

func (*XWindows) Close() error { return nil }
