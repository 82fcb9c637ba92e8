package client

import (
	"context"
	"io"
	"net"
	"net/url"

	"hither/app/convert"
	"hither/fusion"
	"hither/mirror/wire"
	pb "hither/proto/hither/v1"
)

// ScreenUpgrade is the protocol that GET /screen is upgraded to: the stream
// framing of docs/wire.md.
const ScreenUpgrade = "hither-screen"

// ViewHeader names the view in the answer to an upgrade, for
// ScreenConnectRequest.moves. A host without it keeps its views on the stream.
const ViewHeader = "Hither-View"

type screens host

var _ fusion.Screens = (*screens)(nil)

func (s *screens) List(ctx context.Context, machine string) ([]fusion.Screen, error) {
	res, err := call(ctx, (*host)(s).path(machine), s.c.screens.List, &pb.ScreenListRequest{Host: s.name, Machine: machine})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Screens, convert.ScreenFromPB), nil
}

// Open asks for the screen by an HTTP upgrade and carries on over the stream,
// and from a host that is far away over datagrams when they are connected.
func (s *screens) Open(ctx context.Context, screen string, options fusion.ViewOptions) (fusion.Pipe, error) {
	path := (*host)(s).path(screen)
	var token string
	stream, err := s.c.stream(ctx, func(conn net.Conn) (stream io.ReadWriteCloser, err error) {
		stream, token, err = s.upgrade(ctx, conn, screen, options)
		return stream, err
	})
	if err != nil {
		return nil, transportError(ctx, "screen.open", path, err)
	}
	if token == "" || s.c.Datagrams == nil {
		return wire.Stream(stream), nil
	}
	return moves(wire.Stream(stream), s.move(token, fusion.Trace(ctx))), nil
}

// upgrade writes the request and reads the answer: the stream and its view's name.
func (s *screens) upgrade(ctx context.Context, conn net.Conn, screen string, options fusion.ViewOptions) (io.ReadWriteCloser, string, error) {
	query := url.Values{"host": {s.name}, "screen": {screen}}
	if options.ViewOnly {
		query.Set("viewOnly", "1")
	}
	if options.Windows {
		query.Set("windows", "1")
	}
	stream, header, err := upgrade(ctx, conn, "/screen?"+query.Encode(), ScreenUpgrade, (*host)(s).path(screen))
	if err != nil {
		return nil, "", err
	}
	return stream, header.Get(ViewHeader), nil
}
