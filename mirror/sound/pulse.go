package sound

import (
	"context"

	"hither/mirror/pulse"
)

// Pulse is a Device of a sound server of this computer.
type Pulse struct {
	// Socket is the server's; default: the session's server.
	Socket string
	// Output is the source that hears what is played; default: the monitor of
	// the default sink.
	Output string
	// Microphone is the sink whose monitor programs take for a microphone.
	Microphone string
	// Title is what volume controls show; default "Hither".
	Title string
}

var _ Device = Pulse{}

func (p Pulse) socket() (string, error) {
	if p.Socket != "" {
		return p.Socket, nil
	}
	return pulse.Session()
}

func (p Pulse) title() string {
	if p.Title == "" {
		return "Hither"
	}
	return p.Title
}

// Ready says whether the server can be found, without connecting to it. It
// promises fusion.ErrUnsupported.
func (p Pulse) Ready() error {
	_, err := p.socket()
	return err
}

// Listen records what is played.
func (p Pulse) Listen(ctx context.Context) (Source, error) {
	source := p.Output
	if source == "" {
		source = pulse.Monitor
	}
	return p.record(ctx, pulse.Stream{Title: p.title(), Channels: OutputChannels, Device: source})
}

// Speak plays to the microphone.
func (p Pulse) Speak(ctx context.Context, pull Pull) (Sink, error) {
	return p.play(ctx, pulse.Stream{Title: p.title(), Channels: MicrophoneChannels, Device: p.Microphone}, pull)
}

// Hear records this computer's own microphone, for a viewer: the default source.
func (p Pulse) Hear(ctx context.Context) (Source, error) {
	return p.record(ctx, pulse.Stream{Title: p.title(), Channels: MicrophoneChannels})
}

// Play plays to the default sink, for a viewer.
func (p Pulse) Play(ctx context.Context, pull Pull) (Sink, error) {
	return p.play(ctx, pulse.Stream{Title: p.title(), Channels: OutputChannels}, pull)
}

func (p Pulse) record(ctx context.Context, stream pulse.Stream) (Source, error) {
	socket, err := p.socket()
	if err != nil {
		return nil, err
	}
	r, err := pulse.Record(ctx, socket, stream)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (p Pulse) play(ctx context.Context, stream pulse.Stream, pull Pull) (Sink, error) {
	socket, err := p.socket()
	if err != nil {
		return nil, err
	}
	sink, err := pulse.Play(ctx, socket, stream, pull)
	if err != nil {
		return nil, err
	}
	return sink, nil
}
