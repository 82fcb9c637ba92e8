//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"

	"hither/fusion"
	"hither/mirror/rtc"
	"hither/mirror/surface"
	"hither/mirror/wire"
)

// runView is Hither's viewer: the native window on a display, connected to an
// address by a carrier.
func runView(args []string) error {
	if len(args) != 3 {
		return errors.New("view wants a display, an address and a carrier")
	}
	ctx := context.Background()
	open := func(ctx context.Context) (fusion.Pipe, error) {
		conn, err := net.Dial("tcp", args[1])
		if err != nil {
			return nil, err
		}
		if args[2] == datagrams {
			return dial(ctx, conn)
		}
		return wire.Stream(conn), nil
	}
	pipe, err := open(ctx)
	if err != nil {
		return err
	}
	return surface.Run(ctx, pipe, surface.Config{Display: args[0], Reopen: open})
}

// dial lets conn bring the offer to the server.
func dial(ctx context.Context, conn net.Conn) (fusion.Pipe, error) {
	defer conn.Close()
	return rtc.Dial(ctx, func(_ context.Context, offer string) (answer string, err error) {
		if err := json.NewEncoder(conn).Encode(offer); err != nil {
			return "", err
		}
		err = json.NewDecoder(conn).Decode(&answer)
		return answer, err
	})
}
