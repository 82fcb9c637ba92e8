package rtc

import (
	"context"
	"errors"

	"github.com/pion/webrtc/v4"

	"hither/fusion"
)

// Dial is the viewer's side: it makes an offer, lets exchange bring it to the
// host for the answer, and gives the connected pipe. ctx bounds the dialling.
func Dial(ctx context.Context, exchange func(ctx context.Context, offer string) (answer string, err error)) (fusion.Pipe, error) {
	p, err := newPipe()
	if err != nil {
		return nil, err
	}
	if err := p.dial(ctx, exchange); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *pipe) dial(ctx context.Context, exchange func(context.Context, string) (string, error)) error {
	for _, label := range []string{framesLabel, inputLabel} {
		d, err := p.connection.CreateDataChannel(label, nil)
		if err != nil {
			return failed(err, "", "")
		}
		p.accept(d)
	}
	local, err := p.connection.CreateOffer(nil)
	if err != nil {
		return failed(err, "", "")
	}
	offer, err := p.describe(ctx, local)
	if err != nil {
		return err
	}
	answer, err := exchange(ctx, offer)
	if err != nil {
		return err
	}
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}
	if err := p.connection.SetRemoteDescription(remote); err != nil {
		return failed(fusion.ErrInvalid, err.Error(), "")
	}
	return p.wait(ctx, framesLabel, inputLabel)
}
