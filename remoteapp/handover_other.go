//go:build !linux

package remoteapp

import (
	"context"
	"io"

	"hither/fusion"
)

func (*Store) Hand(_ context.Context, name string, _ int64, _ io.Reader) (string, error) {
	return "", unsupported("app.hand", name)
}

func (*Store) Take(_ context.Context, file, _ string) (fusion.Taken, error) {
	return fusion.Taken{}, unsupported("app.take", file)
}

func (*Store) Drop(_ context.Context, file string) error { return unsupported("app.drop", file) }
