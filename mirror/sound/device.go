package sound

import (
	"context"
	"time"

	"hither/mirror/opus"
)

const (
	// Lasts is how long a packet is.
	Lasts = 10 * time.Millisecond
	// frame is how many samples of each channel a packet has.
	frame = opus.Rate / 100
)

// Channels of what a screen plays, and of a microphone.
const (
	OutputChannels     = 2
	MicrophoneChannels = 1
)

// Source is what is recorded: 48,000 samples a second, channels interleaved.
type Source interface {
	// Read waits until pcm is full. After an error the source has ended.
	Read(pcm []int16) error
	// Close wakes Read.
	Close() error
}

// Sink plays. It pulls what it plays, and rests once pull answers false.
type Sink interface {
	// Wake says that there is something to pull. After an error the sink has
	// ended.
	Wake() error
	// Close ends pulling before it returns.
	Close() error
}

// Pull fills pcm with what is played next; false means that there is nothing for
// a while.
type Pull func(pcm []int16) bool

// Device is what the programs of a screen play to and take for a microphone. One
// without sound answers fusion.ErrUnsupported, with a hint.
type Device interface {
	// Listen begins to record what is played, two channels.
	Listen(ctx context.Context) (Source, error)
	// Speak begins to play to the microphone, one channel.
	Speak(ctx context.Context, pull Pull) (Sink, error)
}

// None is a Device without sound.
type None struct {
	// Why is the error that says so.
	Why error
}

// Listen answers Why.
func (n None) Listen(context.Context) (Source, error) { return nil, n.Why }

// Speak answers Why.
func (n None) Speak(context.Context, Pull) (Sink, error) { return nil, n.Why }
