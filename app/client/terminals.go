package client

import (
	"context"
	"io"
	"net"
	"net/url"
	"strconv"

	"hither/app/terminal"
	"hither/fusion"
	"hither/mirror/wire"
)

// TerminalUpgrade is the protocol that GET /terminal is upgraded to: the stream
// framing of docs/wire.md with the messages of a terminal.
const TerminalUpgrade = "hither-terminal"

type terminals host

var _ fusion.Terminals = (*terminals)(nil)

// Open asks for the terminal by an HTTP upgrade and carries on over the stream.
func (t *terminals) Open(ctx context.Context, machine string, o fusion.TerminalOptions) (fusion.Terminal, error) {
	const op = "machine.console"
	path := (*host)(t).path(machine)
	query := url.Values{"host": {t.name}, "machine": {machine}, "columns": {strconv.Itoa(o.Columns)}, "rows": {strconv.Itoa(o.Rows)}, "term": {o.Term}}
	if o.ViewOnly {
		query.Set("viewOnly", "1")
	}
	var opened fusion.Terminal
	_, err := t.c.stream(ctx, func(conn net.Conn) (io.ReadWriteCloser, error) {
		stream, _, err := upgrade(ctx, conn, "/terminal?"+query.Encode(), TerminalUpgrade, path)
		if err == nil {
			opened, err = terminal.Open(wire.Stream(stream), path)
		}
		return stream, err
	})
	if err != nil {
		return nil, transportError(ctx, op, path, err)
	}
	return opened, nil
}
