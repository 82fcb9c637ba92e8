package rtc

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"

	"hither/fusion"
	"hither/mirror/wire"
)

// pipe is the two data channels as one side sees them. It ends when the
// connection does.
type pipe struct {
	connection *webrtc.PeerConnection
	lost       context.Context // done when the connection is
	lose       context.CancelFunc

	opened map[string]chan *datachannel.DataChannel // by label, one place each

	in  *datachannel.DataChannel // from here on set by wait
	out *datachannel.DataChannel
	low chan struct{} // what is unsent became little
	buf []byte

	once sync.Once
	err  error
}

var _ fusion.Pipe = (*pipe)(nil)

func newPipe() (*pipe, error) {
	connection, err := newConnection()
	if err != nil {
		return nil, failed(err, "", "")
	}
	p := &pipe{connection: connection, low: make(chan struct{}, 1), buf: make([]byte, wire.MaxMessage+1),
		opened: map[string]chan *datachannel.DataChannel{
			framesLabel: make(chan *datachannel.DataChannel, 1),
			inputLabel:  make(chan *datachannel.DataChannel, 1),
		}}
	p.lost, p.lose = context.WithCancel(context.Background())
	connection.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			p.lose()
		}
	})
	return p, nil
}

// accept takes a channel once it is open. A second one of a label, or another
// label, ends the connection.
func (p *pipe) accept(d *webrtc.DataChannel) {
	place := p.opened[d.Label()]
	d.OnOpen(func() {
		raw, err := d.Detach()
		channel, ok := raw.(*datachannel.DataChannel)
		if err != nil || !ok {
			p.lose()
			return
		}
		select {
		case place <- channel: // never, if place is nil
		default:
			p.lose()
		}
	})
}

// wait waits for both channels.
func (p *pipe) wait(ctx context.Context, in, out string) error {
	for label, channel := range map[string]**datachannel.DataChannel{in: &p.in, out: &p.out} {
		select {
		case *channel = <-p.opened[label]:
		case <-p.lost.Done():
			return failed(fusion.ErrOffline, "the connection was lost before it began", "")
		case <-ctx.Done():
			return failed(fusion.ErrOffline, "no way between the viewer and this host", "")
		}
	}
	p.out.SetBufferedAmountLowThreshold(lowBuffered)
	p.out.OnBufferedAmountLow(func() {
		select {
		case p.low <- struct{}{}:
		default:
		}
	})
	return nil
}

// Read ends with the connection, whatever ended it.
func (p *pipe) Read() ([]byte, error) {
	n, err := p.in.Read(p.buf)
	if err != nil || p.lost.Err() != nil {
		return nil, io.EOF
	}
	return p.buf[:n], nil
}

// Write waits while too much is unsent.
func (p *pipe) Write(message []byte) error {
	for p.out.BufferedAmount() > maxBuffered {
		select {
		case <-p.low:
		case <-p.lost.Done():
			return io.ErrClosedPipe
		}
	}
	if p.lost.Err() != nil {
		return io.ErrClosedPipe
	}
	_, err := p.out.Write(message)
	return err
}

// Close waits a moment until the other side has what was written, and wakes
// Read and Write.
func (p *pipe) Close() error {
	p.once.Do(func() {
		p.drain()
		p.lose()
		p.err = p.connection.GracefulClose()
	})
	return p.err
}

func (p *pipe) drain() {
	if p.out == nil || p.out.BufferedAmount() == 0 {
		return
	}
	p.out.SetBufferedAmountLowThreshold(0)
	timeout := time.NewTimer(drainTime)
	defer timeout.Stop()
	for p.out.BufferedAmount() > 0 {
		select {
		case <-p.low:
		case <-p.lost.Done():
			return
		case <-timeout.C:
			return
		}
	}
}
