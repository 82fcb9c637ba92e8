package pulse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

const (
	fragment = 10 * time.Millisecond  // that a source is given in
	backlog  = 200 * time.Millisecond // that waits for a reader at most
)

var (
	errLost  = errors.New("the sound server ended")
	errGone  = errors.New("the sound device is gone")
	errMoved = fmt.Errorf("another sound device became the default: %w", io.EOF)
)

// Recording is what a source hears. While nothing plays, PulseAudio may stop the
// source of a monitor, and then nothing comes; PipeWire goes on with silence.
type Recording struct {
	stream Stream
	conn   *connection

	mu      sync.Mutex // guards the fields below
	more    *sync.Cond
	samples []int16 // not yet read; the oldest go when nobody reads
	changed bool    // the server changed its defaults, perhaps
	err     error
	source  string // the default sink, for Monitor; set once
}

// Record begins to record. It promises ErrUnsupported where no server answers.
func Record(ctx context.Context, socket string, stream Stream) (*Recording, error) {
	r := &Recording{stream: stream}
	r.more = sync.NewCond(&r.mu)
	var err error
	if r.conn, err = connect(ctx, socket, stream.Title, r.hear, func() { r.fail(errLost) }); err != nil {
		return nil, err
	}
	if err := r.begin(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Recording) begin() error {
	device := r.stream.Device
	if device == Monitor {
		if err := r.conn.client.Request(&proto.Subscribe{Mask: proto.SubscriptionMaskServer}, nil); err != nil {
			return err
		}
		var err error
		if r.source, err = r.conn.defaultSink(); err == nil {
			device, err = r.conn.monitorOf(r.source) // pipewire-pulse 0.3 does not take Monitor for a name
		}
		if err != nil {
			return err
		}
	}
	fragment := r.stream.bytes(fragment)
	request := proto.CreateRecordStream{
		SampleSpec: r.stream.spec(), ChannelMap: r.stream.channelMap(), ChannelVolumes: r.stream.volumes(),
		SourceIndex: proto.Undefined, SourceName: device, DirectOnInputIndex: proto.Undefined,
		BufferMaxLength: r.stream.bytes(backlog), BufferFragSize: fragment, AdjustLatency: true,
		NoMove: true, DontInhibitAutoSuspend: true, Properties: r.stream.properties(),
	}
	return r.conn.client.Request(&request, &proto.CreateRecordStreamReply{})
}

func (c *connection) defaultSink() (string, error) {
	var info proto.GetServerInfoReply
	err := c.client.Request(&proto.GetServerInfo{}, &info)
	return info.DefaultSinkName, err
}

// monitorOf gives the source that hears what a sink plays.
func (c *connection) monitorOf(sink string) (string, error) {
	var info proto.GetSinkInfoReply
	err := c.client.Request(&proto.GetSinkInfo{SinkIndex: proto.Undefined, SinkName: sink}, &info)
	return info.MonitorSourceName, err
}

// hear takes what the server says.
func (r *Recording) hear(m any) {
	switch m := m.(type) {
	case *proto.DataPacket:
		r.add(m.Data)
	case *proto.RecordStreamKilled:
		r.fail(errGone)
	case *proto.SubscribeEvent:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed = true
		r.more.Broadcast()
	}
}

func (r *Recording) add(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; len(b) >= 2; b = b[2:] {
		r.samples = append(r.samples, int16(uint16(b[0])|uint16(b[1])<<8))
	}
	most := int(r.stream.bytes(backlog)) / 2
	if over := len(r.samples) - most; over > 0 {
		over += (r.stream.Channels - over%r.stream.Channels) % r.stream.Channels
		r.samples = r.samples[:copy(r.samples, r.samples[over:])]
	}
	r.more.Broadcast()
}

func (r *Recording) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	r.more.Broadcast()
}

// Read waits until pcm is full. An error is its end: the server or the source is
// gone, or Close was called, and io.EOF when another sink became the default one
// for Monitor. A new Record may work then.
func (r *Recording) Read(pcm []int16) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.samples) < len(pcm) && r.err == nil {
		if r.changed {
			r.look()
			continue
		}
		r.more.Wait()
	}
	if r.err != nil {
		return r.err
	}
	n := copy(pcm, r.samples)
	r.samples = r.samples[:copy(r.samples, r.samples[n:])]
	return nil
}

// look sees whether the default sink is another one now. It needs mu, and
// leaves it meanwhile.
func (r *Recording) look() {
	r.changed = false
	r.mu.Unlock()
	sink, err := r.conn.defaultSink()
	r.mu.Lock()
	switch {
	case r.err != nil:
	case err != nil:
		r.err = err
	case sink != r.source:
		r.err = errMoved
	}
}

// Close ends the recording and wakes Read.
func (r *Recording) Close() error {
	r.fail(errors.New("the recording was closed"))
	return r.conn.close()
}
