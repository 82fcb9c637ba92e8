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
	p, err := newPeer()
	if err != nil {
		return nil, err
	}
	pipe, err := p.dial(ctx, exchange)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return pipe, nil
}

func (p *peer) dial(ctx context.Context, exchange func(context.Context, string) (string, error)) (fusion.Pipe, error) {
	ordered, again := false, uint16(0)
	d, err := p.connection.CreateDataChannel(label, &webrtc.DataChannelInit{Ordered: &ordered, MaxRetransmits: &again})
	if err != nil {
		return nil, failed(err, "", "")
	}
	p.accept(d)
	local, err := p.connection.CreateOffer(nil)
	if err != nil {
		return nil, failed(err, "", "")
	}
	offer, err := p.describe(ctx, local)
	if err != nil {
		return nil, err
	}
	answer, err := exchange(ctx, offer)
	if err != nil {
		return nil, err
	}
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}
	if err := p.connection.SetRemoteDescription(remote); err != nil {
		return nil, failed(fusion.ErrInvalid, err.Error(), "")
	}
	return p.wait(ctx)
}
