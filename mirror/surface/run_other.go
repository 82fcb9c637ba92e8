//go:build !linux && !windows

package surface

import (
	"context"
	"runtime"

	"hither/fusion"
)

// AppWindows says whether Run shows the windows of an app one by one.
const AppWindows = false

func run(_ context.Context, pipe fusion.Pipe, _ Config) error {
	err := opError(fusion.ErrUnsupported, "no native window on "+runtime.GOOS,
		"use the page: hither web")
	if closeErr := pipe.Close(); closeErr != nil {
		return closeErr
	}
	return err
}
