package surface

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
	greetTime  = 20 * time.Second
)

// reopen opens the view anew, with pauses that double, until it works, ctx
// ends, or the host refuses for good.
func (v *view) reopen(ctx context.Context) (fusion.Pipe, wire.Hello, error) {
	timer := time.NewTimer(firstPause)
	defer timer.Stop()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		select {
		case <-ctx.Done():
			return nil, wire.Hello{}, ctx.Err()
		case <-timer.C:
		}
		pipe, hello, err := v.openOnce(ctx)
		if err == nil {
			return pipe, hello, nil
		}
		if final(err) {
			return nil, wire.Hello{}, err
		}
		v.cfg.Log.Debug("screen still offline", "trace", fusion.Trace(ctx), "err", err)
		timer.Reset(pause)
	}
}

// final says whether the host refuses for good: waiting would not help before
// a person did something.
func final(err error) bool {
	for _, cause := range []error{fusion.ErrPermission, fusion.ErrUnpaired, fusion.ErrNotFound, fusion.ErrInvalid, fusion.ErrUnsupported} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

func (v *view) openOnce(ctx context.Context) (fusion.Pipe, wire.Hello, error) {
	pipe, err := v.cfg.Reopen(ctx)
	if err != nil {
		return nil, wire.Hello{}, err
	}
	hello, err := greet(ctx, pipe)
	if err != nil {
		return nil, wire.Hello{}, errors.Join(err, pipe.Close())
	}
	return pipe, hello, nil
}

// greet reads the first message, which must be the host's hello, or its word
// that there is nothing to see.
func greet(ctx context.Context, pipe fusion.Pipe) (wire.Hello, error) {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = pipe.Close() })
	defer stop()
	b, err := pipe.Read()
	if err != nil {
		return wire.Hello{}, fmt.Errorf("%w: %w", errLost, err)
	}
	m, err := wire.ParseHost(b)
	if err != nil {
		return wire.Hello{}, err
	}
	switch m := m.(type) {
	case wire.Hello:
		return m, nil
	case wire.Closed:
		return wire.Hello{}, closedError(m)
	}
	return wire.Hello{}, opError(fusion.ErrInvalid, "the view did not begin with hello", "update the host")
}
