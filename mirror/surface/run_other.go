//go:build !linux

package surface

import (
	"context"
	"runtime"

	"hither/fusion"
)

func run(_ context.Context, pipe fusion.Pipe, _ Config) error {
	err := opError(fusion.ErrUnsupported, "no native window on "+runtime.GOOS,
		"use the page: hither web")
	if closeErr := pipe.Close(); closeErr != nil {
		return closeErr
	}
	return err
}
