package sound

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"hither/fusion"
	"hither/mirror/opus"
	"hither/mirror/wire"
)

const (
	// quiet is the loudest sample of silence: less than the noise of 16 bits.
	quiet = 2
	// hang is how many silent packets end a sound, so that its tail is whole.
	hang = 20

	stereoRate = 128000 // bits a second
	monoRate   = 48000

	firstPause = 100 * time.Millisecond // before a device is opened again
	mostPause  = 10 * time.Second
)

// recorder makes packets of what a source hears.
type recorder struct {
	from    wire.Side
	encoder *opus.Encoder
	number  uint16
	silent  int // frames in a row
	sounds  bool
}

// packet gives the packet of a frame, whose bytes are valid until the next; ok is
// false for silence.
func (r *recorder) packet(pcm []int16) (m wire.Sound, ok bool, err error) {
	r.silent++
	if !silence(pcm) {
		r.silent = 0
	}
	if !r.sounds && r.silent > 0 {
		return wire.Sound{}, false, nil
	}
	m = wire.Sound{From: r.from, Number: r.number, Ends: r.silent == hang}
	r.sounds = !m.Ends
	r.number++
	m.Packet, err = r.encoder.Encode(pcm)
	return m, err == nil, err
}

func silence(pcm []int16) bool {
	return !slices.ContainsFunc(pcm, func(v int16) bool { return v > quiet || v < -quiet })
}

// Record opens a source and says what it hears, until ctx ends. A source that
// fails is opened again, after pauses that double. state is told of every error,
// and nil when it is there. The bytes of what is said are valid until say
// returns.
func Record(ctx context.Context, from wire.Side, open func(context.Context) (Source, error), say func(wire.Sound), state func(error)) {
	channels, rate := OutputChannels, stereoRate
	if from == wire.ViewerSide {
		channels, rate = MicrophoneChannels, monoRate
	}
	encoder, err := opus.NewEncoder(channels, rate)
	if err != nil {
		state(err)
		return
	}
	defer encoder.Close()
	r := &recorder{from: from, encoder: encoder}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if r.follow(ctx, channels, open, say, state) {
			pause = firstPause
		}
		timer.Reset(pause)
	}
}

// follow records from one source until it ends, and says whether there was one.
// A source that ends with io.EOF may be opened again at once.
func (r *recorder) follow(ctx context.Context, channels int, open func(context.Context) (Source, error), say func(wire.Sound), state func(error)) bool {
	source, err := open(ctx)
	if err != nil {
		state(err)
		return false
	}
	stop := context.AfterFunc(ctx, func() { _ = source.Close() }) // closed below too
	state(nil)
	err = r.encode(source, make([]int16, channels*frame), say)
	stop()
	_ = source.Close() // it has ended
	if ctx.Err() == nil && !errors.Is(err, io.EOF) {
		state(err)
	}
	return true
}

// encode says what a source hears until it ends.
func (r *recorder) encode(source Source, pcm []int16, say func(wire.Sound)) error {
	for {
		if err := source.Read(pcm); err != nil {
			return err
		}
		switch m, ok, err := r.packet(pcm); {
		case err != nil:
			return err
		case ok:
			say(m)
		}
	}
}

// Reason is what a viewer is told of an error: what went wrong, and in a second
// line what a person can do.
func Reason(err error) string {
	text := err.Error()
	if hint := fusion.Hint(err); hint != "" {
		text += "\n" + hint
	}
	return text
}
