//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"hither/fusion"
	"hither/mirror"
	"hither/mirror/capture"
	"hither/mirror/wire"
)

// one is the screen that the server shows.
type one struct{ display string }

func (o one) List(context.Context, string) ([]fusion.Screen, error) { return nil, nil }

func (o one) Open(ctx context.Context, screen string) (mirror.Located, error) {
	source, err := capture.X11(ctx, capture.X11Config{Display: o.display})
	return mirror.Located{Screen: fusion.Screen{Name: screen, Title: screen}, Source: source}, err
}

// runServe is Hither's server: it shows a display to whoever connects to the
// loopback address that it prints. A person's node does the same over its own
// streams.
func runServe(args []string) error {
	if len(args) != 1 {
		return errors.New("serve wants a display")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := mirror.NewServer(one{args[0]}, mirror.Config{})
	fmt.Println(listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return errors.Join(err, server.Close())
		}
		view, err := server.Open(context.Background(), "bench", fusion.ViewOptions{})
		if err != nil {
			return err
		}
		go func() {
			if err := wire.Join(wire.Stream(conn), view); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
}
