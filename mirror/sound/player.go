package sound

import (
	"bytes"
	"context"
	"sync"
	"time"

	"hither/mirror/opus"
	"hither/mirror/wire"
)

// retryPause is how long after a failure a player opens its sink again, if sound
// comes.
const retryPause = 5 * time.Second

// Player plays the packets that come. Its goroutine opens the sink with the first
// one and ends with Close.
type Player struct {
	buffer  *Buffer
	decoder *opus.Decoder
	open    func(ctx context.Context, pull Pull) (Sink, error)
	failed  func(error)
	came    chan struct{} // there is something to play
	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewPlayer makes a player of so many channels. failed is told of each error of
// the sink; nobody need do anything. It promises ErrUnsupported where there is no
// libopus.
func NewPlayer(channels int, open func(ctx context.Context, pull Pull) (Sink, error), failed func(error)) (*Player, error) {
	decoder, err := opus.NewDecoder(channels)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Player{buffer: NewBuffer(decoder, channels), decoder: decoder, open: open, failed: failed, came: make(chan struct{}, 1), stop: stop}
	p.running.Go(func() { p.run(ctx) })
	return p, nil
}

// Take takes a packet, whose bytes it copies, and does not wait.
func (p *Player) Take(m wire.Sound) {
	m.Packet = bytes.Clone(m.Packet)
	p.buffer.Push(m)
	select {
	case p.came <- struct{}{}:
	default:
	}
}

// Health is the buffer's.
func (p *Player) Health() Health { return p.buffer.Health() }

// Close ends playing.
func (p *Player) Close() error {
	p.stop()
	p.running.Wait()
	return p.decoder.Close()
}

func (p *Player) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !wait(ctx, p.came) {
			return
		}
		if err := p.play(ctx); err != nil && ctx.Err() == nil {
			p.failed(err)
			pause(ctx, retryPause)
		}
	}
}

// play plays through one sink until it fails or ctx ends.
func (p *Player) play(ctx context.Context) error {
	sink, err := p.open(ctx, p.buffer.Pull)
	if err != nil {
		return err
	}
	defer sink.Close()
	for err == nil {
		if err = sink.Wake(); err == nil && !wait(ctx, p.came) {
			err = ctx.Err()
		}
	}
	return err
}

func wait(ctx context.Context, came <-chan struct{}) bool {
	select {
	case <-came:
		return true
	case <-ctx.Done():
		return false
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
