package pulse

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

const (
	waiting     = 20 * time.Millisecond // that waits in the server to be played, at first
	mostWaiting = 100 * time.Millisecond
	moreWaiting = 10 * time.Millisecond // each time the server has nothing to play
	least       = 10 * time.Millisecond // that is asked for at a time
)

// Playback plays what it is given. It rests while there is nothing to play. Where
// this process is too busy to feed the server in time, more waits in the server.
type Playback struct {
	stream Stream
	pull   func(pcm []int16) bool
	conn   *connection
	index  uint32
	done   sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	more   *sync.Cond
	wanted int // bytes that the server asks for
	awake  bool
	ranDry bool // the server had nothing to play
	err    error

	waits time.Duration // feed's own: how much waits in the server
}

// Play makes ready to play; it rests until Wake. From then on pull is called,
// from one goroutine, to fill pcm with what is played in about 20 ms; once it
// answers false there is nothing to play for a while, and Playback rests again.
// Play promises ErrUnsupported where no server answers.
func Play(ctx context.Context, socket string, stream Stream, pull func(pcm []int16) bool) (*Playback, error) {
	p := &Playback{stream: stream, pull: pull, waits: waiting}
	p.more = sync.NewCond(&p.mu)
	var err error
	if p.conn, err = connect(ctx, socket, stream.Title, p.hear, func() { p.fail(errLost) }); err != nil {
		return nil, err
	}
	var reply proto.CreatePlaybackStreamReply
	request := proto.CreatePlaybackStream{
		SampleSpec: stream.spec(), ChannelMap: stream.channelMap(), ChannelVolumes: stream.volumes(),
		SinkIndex: proto.Undefined, SinkName: stream.Device, Corked: true,
		BufferMaxLength: stream.bytes(4 * waiting), BufferTargetLength: stream.bytes(waiting),
		BufferPrebufferLength: stream.bytes(least), BufferMinimumRequest: stream.bytes(least),
		AdjustLatency: true, Properties: stream.properties(),
	}
	if err := p.conn.client.Request(&request, &reply); err != nil {
		return nil, errors.Join(err, p.conn.close())
	}
	p.mu.Lock()
	p.index = reply.StreamIndex
	p.wanted += int(reply.Missing)
	p.mu.Unlock()
	p.done.Go(p.feed)
	return p, nil
}

// hear takes what the server says.
func (p *Playback) hear(m any) {
	switch m := m.(type) {
	case *proto.Request:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wanted += int(m.Length)
		p.more.Broadcast()
	case *proto.Underflow:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ranDry = true
	case *proto.PlaybackStreamKilled:
		p.fail(errGone)
	}
}

func (p *Playback) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.more.Broadcast()
}

// Wake says that there is something to play. It answers with the error that
// ended the playback, if one did; a new Play may work then.
func (p *Playback) Wake() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awake = true
	p.more.Broadcast()
	return p.err
}

// feed gives the server what it asks for, until the end.
func (p *Playback) feed() {
	size := int(p.stream.bytes(least))
	pcm, b := make([]int16, size/2), make([]byte, size)
	running := false
	for p.next(size) {
		if !p.pull(pcm) {
			if p.rest(&running) != nil {
				return
			}
			continue
		}
		if p.Wake() != nil {
			return
		}
		for i, v := range pcm {
			b[2*i], b[2*i+1] = byte(v), byte(uint16(v)>>8)
		}
		err := p.conn.client.Send(p.index, b)
		if err == nil && !running {
			running = true
			err = p.conn.client.Request(&proto.CorkPlaybackStream{StreamIndex: p.index}, nil)
		} else if err == nil && p.late() {
			err = p.hold(p.waits + moreWaiting)
		}
		if err != nil {
			p.fail(err)
			return
		}
	}
}

// late says whether the server had nothing to play since it was asked last.
func (p *Playback) late() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := p.ranDry
	p.ranDry = false
	return late && p.waits < mostWaiting
}

// hold makes so much wait in the server.
func (p *Playback) hold(waits time.Duration) error {
	p.waits = waits
	return p.conn.client.Request(&proto.SetPlaybackStreamBufferAttr{StreamIndex: p.index,
		BufferMaxLength: p.stream.bytes(4 * p.waits), BufferTargetLength: p.stream.bytes(p.waits),
		BufferPrebufferLength: p.stream.bytes(least), BufferMinimumRequest: p.stream.bytes(least),
		AdjustLatency: true}, &proto.SetPlaybackStreamBufferAttrReply{})
}

// next waits until the server asks for size bytes and there may be something to
// play; false is the end. It takes the Wake, so that one which comes while
// there is nothing to play is not lost.
func (p *Playback) next(size int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.err == nil && (!p.awake || p.wanted < size) {
		p.more.Wait()
	}
	p.wanted -= size
	p.awake = false
	return p.err == nil
}

// rest stops the stream until it is woken. What the server still has is silence
// and goes, or it would delay what comes next.
func (p *Playback) rest(running *bool) error {
	p.mu.Lock()
	p.wanted += int(p.stream.bytes(least)) // it got nothing
	awake := p.awake
	p.ranDry = false
	p.mu.Unlock()
	if !*running || awake {
		return nil
	}
	*running = false
	err := p.conn.client.Request(&proto.CorkPlaybackStream{StreamIndex: p.index, Corked: true}, nil)
	if err == nil {
		err = p.conn.client.Request(&proto.FlushPlaybackStream{StreamIndex: p.index}, nil)
	}
	if err == nil && p.waits != waiting {
		err = p.hold(waiting)
	}
	if err != nil {
		p.fail(err)
	}
	return err
}

// Close ends the playback.
func (p *Playback) Close() error {
	p.fail(errors.New("the playback was closed"))
	err := p.conn.close()
	p.done.Wait()
	return err
}
