package record

import (
	"context"
	"errors"
	"image"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// errEnough says that a recording lasted as long as it should.
var errEnough = errors.New("the time is over")

// Screen records the one picture of a view, without a window, into a new file:
// until ctx ends (its cause), the source does (nil), length has passed since
// the first picture (nil; 0 is for ever), or Watch or the Recorder fails. What
// came until then is in the file, with its sound if that is wanted and there is
// any. It closes pipe.
func Screen(ctx context.Context, pipe fusion.Pipe, path string, length time.Duration, sound bool) (Summary, error) {
	r, err := Create(path, Config{})
	if err != nil {
		return Summary{}, errors.Join(err, pipe.Close())
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var running sync.WaitGroup
	running.Go(func() { // the recording may end before the screen
		<-r.Done()
		end(errEnough)
	})
	var hear func(wire.Message)
	if sound {
		hear = r.Hear
	}
	var enough *time.Timer
	watched := Watch(ctx, pipe, func(p *codec.Picture, dirty []image.Rectangle) {
		r.Show(p, dirty)
		if length > 0 && enough == nil {
			enough = time.AfterFunc(length, func() { end(errEnough) })
		}
	}, hear)
	if enough != nil {
		enough.Stop()
	}
	kept, err := r.Close()
	running.Wait()
	if errors.Is(watched, errEnough) || err != nil {
		watched = nil
	}
	return kept, errors.Join(err, watched)
}
