//go:build linux

package main

import (
	"context"
	"errors"
	"net"

	"hither/mirror/surface"
	"hither/mirror/wire"
)

// runView is Hither's viewer: the native window on a display, connected to an
// address.
func runView(args []string) error {
	if len(args) != 2 {
		return errors.New("view wants a display and an address")
	}
	conn, err := net.Dial("tcp", args[1])
	if err != nil {
		return err
	}
	return surface.Run(context.Background(), wire.Stream(conn), surface.Config{Display: args[0]})
}
