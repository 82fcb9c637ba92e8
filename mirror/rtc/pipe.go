package rtc

import (
	"context"
	"sync"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"

	"hither/fusion"
	"hither/mirror/link"
)

// peer is one side of a connection with a browser before it is a link.
type peer struct {
	connection *webrtc.PeerConnection
	lost       context.Context // done when the connection is
	lose       context.CancelFunc
	opened     chan *datachannel.DataChannel // the channel of the screen, one place
	closing    sync.Once
	err        error
}

func newPeer() (*peer, error) {
	connection, err := newConnection()
	if err != nil {
		return nil, failed(err, "", "")
	}
	p := &peer{connection: connection, opened: make(chan *datachannel.DataChannel, 1)}
	p.lost, p.lose = context.WithCancel(context.Background())
	connection.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			p.lose()
		}
	})
	return p, nil
}

// accept takes the channel once it is open. A second one, or another label,
// ends the connection.
func (p *peer) accept(d *webrtc.DataChannel) {
	d.OnOpen(func() {
		raw, err := d.Detach()
		channel, ok := raw.(*datachannel.DataChannel)
		if err != nil || !ok || d.Label() != label {
			p.lose()
			return
		}
		select {
		case p.opened <- channel:
		default:
			p.lose()
		}
	})
}

// wait waits for the channel and makes the link over it, which owns the peer.
func (p *peer) wait(ctx context.Context) (fusion.Pipe, error) {
	select {
	case channel := <-p.opened:
		// A lost connection does not wake a Read by itself.
		context.AfterFunc(p.lost, func() { _ = channel.SetReadDeadline(time.Unix(1, 0)) })
		return link.New(datagrams{channel, p}), nil
	case <-p.lost.Done():
		return nil, failed(fusion.ErrOffline, "the connection was lost before it began", "")
	case <-ctx.Done():
		return nil, failed(fusion.ErrOffline, "no way between the viewer and this host", "")
	}
}

// Close ends the connection and waits for all that it runs.
func (p *peer) Close() error {
	p.closing.Do(func() {
		p.lose()
		p.err = p.connection.GracefulClose()
	})
	return p.err
}

// datagrams is the channel for a link.
type datagrams struct {
	*datachannel.DataChannel
	peer *peer
}

func (d datagrams) Close() error { return d.peer.Close() }
