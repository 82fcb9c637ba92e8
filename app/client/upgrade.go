package client

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"hither/fusion"
	"hither/internal/rawconn"
)

// stream dials a connection and has exchange make a stream of it. ctx bounds both.
func (c *Client) stream(ctx context.Context, exchange func(net.Conn) (io.ReadWriteCloser, error)) (io.ReadWriteCloser, error) {
	conn, err := c.screen(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // wakes the exchange below
	stream, err := exchange(conn)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close() // err says why
		return nil, err
	}
	return stream, nil
}

// upgrade asks for a path by an HTTP upgrade and gives the stream that goes on
// over the connection, with the answer's header. path names the thing in errors.
func upgrade(ctx context.Context, conn net.Conn, target, protocol, path string) (io.ReadWriteCloser, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+target, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", protocol)
	req.Header.Set(TraceHeader, fusion.Trace(ctx))
	if err := req.Write(conn); err != nil {
		return nil, nil, err
	}
	reader := bufio.NewReaderSize(conn, 64<<10)
	res, err := http.ReadResponse(reader, req)
	if err != nil {
		return nil, nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		defer res.Body.Close()
		return nil, nil, readError(res, path)
	}
	return rawconn.Ahead(conn, reader), res.Header, nil
}
