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
	d, err := newDirect(true)
	if err != nil {
		return nil, err
	}
	pipe, err := d.dial(ctx, exchange)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return pipe, nil
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
func newEndpoint(offer string) (endpoint, error) {
	if strings.HasPrefix(offer, "{") {
		return newDirect(false)
	}
	return newPeer()
}
