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

// X11Monitors answers ErrUnsupported, as X11 does.
func X11Monitors(ctx context.Context, config X11Config) ([]Monitor, error) {
	_, err := X11(ctx, config)
	return nil, err
}

// X11Monitor answers ErrUnsupported, as X11 does.
func X11Monitor(ctx context.Context, config X11Config, _ string) (Source, error) {
	return X11(ctx, config)
}
