package surface

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

const (
	firstPause = 200 * time.Millisecond
	soonPause  = 400 * time.Millisecond // at most while somebody may be waiting
	maxPause   = 5 * time.Second        // and after that
	soon       = 10 * time.Minute
	greetTime  = 20 * time.Second
	// settleTime is how long a host that came back may take until its machines
	// are what they are: before, it may not know them yet.
	settleTime = 10 * time.Second
)

// reopen opens the view anew, with pauses that grow, until it works, ctx ends,
// or the host refuses for good. Each try makes the node look for the host.
func (c Config) reopen(ctx context.Context) (fusion.Pipe, wire.Hello, error) {
	timer := time.NewTimer(firstPause)
	defer timer.Stop()
	began := time.Now()
	var refused time.Time // since when the host says that there is nothing to see
	for pause := firstPause; ; pause = nextPause(pause, time.Since(began)) {
		select {
		case <-ctx.Done():
			return nil, wire.Hello{}, ctx.Err()
		case <-timer.C:
		}
		pipe, hello, err := c.openOnce(ctx)
		if err == nil {
			return pipe, hello, nil
		}
		switch {
		case isOne(err, fusion.ErrPermission, fusion.ErrUnpaired):
			return nil, wire.Hello{}, err
		case !isOne(err, fusion.ErrNotFound, fusion.ErrInvalid, fusion.ErrUnsupported):
			refused = time.Time{}
		case refused.IsZero():
			refused, pause = time.Now(), firstPause
		case time.Since(refused) > settleTime:
			return nil, wire.Hello{}, err
		}
		c.Log.Debug("screen still offline", "trace", fusion.Trace(ctx), "err", err)
		timer.Reset(pause)
	}
}

func nextPause(pause, away time.Duration) time.Duration {
	if away < soon {
		return min(2*pause, soonPause)
	}
	return min(2*pause, maxPause)
}

func isOne(err error, causes ...error) bool {
	return slices.ContainsFunc(causes, func(cause error) bool { return errors.Is(err, cause) })
}

func (c Config) openOnce(ctx context.Context) (fusion.Pipe, wire.Hello, error) {
	pipe, err := c.Reopen(ctx)
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
