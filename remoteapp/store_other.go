//go:build !linux

package remoteapp

import (
	"context"
	"image"

	"hither/fusion"
)

// Store answers fusion.ErrUnsupported: apps as windows need Linux.
type Store struct{}

// Open gives a Store that refuses politely.
func Open(context.Context, Config) (*Store, error) { return &Store{}, nil }

// SessionDisplay: there is no X session here.
func SessionDisplay(context.Context) (Display, bool) { return Display{}, false }

func unsupported(op, path string) error {
	return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrUnsupported,
		Hint: "apps can be shown from computers that run Linux"}
}

func (*Store) List(_ context.Context, machine, _ string) ([]fusion.App, error) {
	return nil, unsupported("app.list", machine)
}

func (*Store) Icon(_ context.Context, machine, app string) ([]byte, string, error) {
	return nil, "", unsupported("app.icon", machine+"/"+app)
}

func (*Store) Run(_ context.Context, machine, app string, _ []string) (fusion.Screen, error) {
	return fusion.Screen{}, unsupported("app.run", machine+"/"+app)
}

func (*Store) End(_ context.Context, screen string) error { return unsupported("app.end", screen) }

func (*Store) Resize(_ context.Context, screen string, _, _ int) error {
	return unsupported("screen.resize", screen)
}

func (*Store) Screens() []fusion.Screen { return nil }

func (*Store) Display(screen string) (Display, error) {
	return Display{}, unsupported("screen.open", screen)
}

func (*Store) Desktop(context.Context) (Display, error) {
	return Display{}, unsupported("screen.open", fusion.Self)
}

func (*Store) Watch(ctx context.Context, _ func(fusion.Screen, bool)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (*Store) EndAll(context.Context) error { return nil }

func (*Store) Close() error { return nil }

// Windows answers ErrUnsupported.
func (*Store) Windows(_ context.Context, screen string) (*Windows, error) {
	return nil, unsupported("screen.open", screen)
}

// Windows are none here.
type Windows struct{}

func (*Windows) Next() ([]Window, error) { return nil, unsupported("screen.open", "") }

func (*Windows) Place(uint32, image.Rectangle) error { return unsupported("window.place", "") }

func (*Windows) Stand(uint32, Stand, Stand) error { return unsupported("window.state", "") }

func (*Windows) Shut(uint32) error { return unsupported("window.shut", "") }

func (*Windows) Desk(int, int) error { return unsupported("window.desk", "") }

func (*Windows) Close() error { return nil }
