package rtc

import (
	"context"
	"errors"
	"strings"

	"hither/fusion"
)

// Dial is the viewer's side of a node: it makes an offer, lets exchange bring it
// to the host for the answer, over a connection that is authentic and secret, and
// gives the connected pipe. ctx bounds the dialling.
func Dial(ctx context.Context, exchange func(ctx context.Context, offer string) (answer string, err error)) (fusion.Pipe, error) {
	pipe, _, err := DialThrough(ctx, nil, exchange)
	return pipe, err
}

// DialThrough is Dial which, behind a NAT, is found at the address that the servers
// see and, if both sides have one of them, goes through it where nothing else does.
// way is the type of the viewer's candidate that is used (RFC 8839, section 5.1):
// host, srflx, prflx or relay.
func DialThrough(ctx context.Context, servers []Server, exchange func(ctx context.Context, offer string) (answer string, err error)) (pipe fusion.Pipe, way string, err error) {
	d, err := newDirect(true, servers)
	if err != nil {
		return nil, "", err
	}
	if pipe, err = d.dial(ctx, exchange); err != nil {
		return nil, "", errors.Join(err, d.Close())
	}
	return pipe, d.way(), nil
}

// endpoint is the host's side of a connection.
type endpoint interface {
	// answer makes the complete answer to an offer.
	answer(ctx context.Context, offer string) (string, error)
	// wait waits for the viewer; the pipe owns the endpoint then.
	wait(ctx context.Context) (fusion.Pipe, error)
	Close() error
}

// newEndpoint makes what answers an offer: a node's is JSON, a browser's SDP.
// A browser is on this computer, and needs no server to be found.
func (g *Gateway) newEndpoint(ctx context.Context, offer string) (endpoint, error) {
	if strings.HasPrefix(offer, "{") {
		return newDirect(false, g.servers(ctx))
	}
	return newPeer()
}
