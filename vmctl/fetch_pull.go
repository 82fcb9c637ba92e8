package vmctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// source is where an image's bytes are.
type source interface {
	name() string
	// open gives the bytes from an offset on. It may begin at another place, which
	// it tells, when it cannot go on there. validator is what it called them
	// before, or "".
	open(ctx context.Context, from int64, validator string) (rest, error)
	// note says what is to be written down of bytes from here.
	note(rest) downloadNote
}

// rest is bytes on their way.
type rest struct {
	io.ReadCloser
	at        int64 // offset of the first
	total     int64 // length of the whole, -1 when nobody knows
	validator string
}

const (
	// mostTries is how often a source is asked in a row without a byte of it.
	mostTries = 5
	// stallTime is how long a source may be silent.
	stallTime = 60 * time.Second
	// mostImage bounds an image in bytes.
	mostImage = 4 << 40
	// roomStep is how much of an image of unknown length is written before the
	// room is looked at again.
	roomStep = 64 << 20
)

// passing is a failure that may be over at the next try.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

func isPassing(err error) bool {
	var p passing
	return errors.As(err, &p)
}

var errStalled = errors.New("nothing came for a minute")

// pull brings the rest of an image from a source, which may break off tries times
// in a row.
func (s *Store) pull(ctx context.Context, o order, d *download, from source, tries int) error {
	pause := s.config.fetchPause
	for failed := 0; ; {
		before := d.size
		err := s.pullOnce(ctx, o, d, from)
		if err == nil || ctx.Err() != nil || !isPassing(err) {
			return err
		}
		if d.size > before {
			failed, pause = 0, s.config.fetchPause
		}
		if failed++; failed >= tries {
			return passing{&fusion.Error{Op: opFetch, Path: o.name, Cause: fusion.ErrOffline, Detail: from.name() + ": " + err.Error(),
				Hint: "see that this computer reaches it, then ask again: what has come is kept for a week"}}
		}
		s.config.Log.Info("a download broke off", "image", o.name, "from", from.name(), "at", d.size, "error", err, "trace", fusion.Trace(ctx))
		fusion.Report(ctx, fusion.Progress{Step: "waits to go on with the download", Done: d.size})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause *= 2
	}
}

// pullOnce asks a source once and takes what it gives.
func (s *Store) pullOnce(ctx context.Context, o order, d *download, from source) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watchdog := time.AfterFunc(stallTime, func() { stop(passing{errStalled}) })
	defer watchdog.Stop()
	validator := ""
	if d.note.URL == from.name() {
		validator = d.note.Validator
	}
	if validator == "" && o.sum == "" { // nothing tells whether the rest would fit
		if err := d.clear(); err != nil {
			return err
		}
	}
	f, err := from.open(ctx, d.size, validator)
	if err != nil {
		return stalled(ctx, err)
	}
	defer f.Close()
	if err := d.cut(f.at); err != nil {
		return err
	}
	if err := s.roomFor(o, d, f.total); err != nil {
		return err
	}
	if err := d.from(from.note(f)); err != nil {
		return s.poolError(opFetch, o.name, err)
	}
	return stalled(ctx, s.takeRest(ctx, o, d, f, watchdog))
}

// stalled tells a source that was too slow from a caller that gave up.
func stalled(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return context.Cause(ctx)
	}
	return err
}

// roomFor refuses what does not fit into the pool, or is no image for its size.
func (s *Store) roomFor(o order, d *download, total int64) error {
	if total > mostImage {
		return invalid(opFetch, o.name, "it has "+imagepool.BytesText(total), "an image has at most "+imagepool.BytesText(mostImage))
	}
	return s.pool.Room(opFetch, o.name, max(total-d.size, 0))
}

// takeRest takes bytes until there are no more.
func (s *Store) takeRest(ctx context.Context, o order, d *download, f rest, watchdog *time.Timer) error {
	buf := make([]byte, 256<<10)
	for look := d.size + roomStep; ; {
		n, err := f.Read(buf)
		watchdog.Reset(stallTime)
		if n > 0 {
			if f.total >= 0 && d.size+int64(n) > f.total || d.size+int64(n) > mostImage {
				return invalid(opFetch, o.name, "more comes than was announced", "see in a browser what the address gives")
			}
			if _, err := d.Write(buf[:n]); err != nil {
				return s.poolError(opFetch, o.name, err)
			}
			fusion.Report(ctx, fusion.Progress{Step: "downloads the image", Done: d.size, Total: max(f.total, 0)})
		}
		if f.total < 0 && d.size >= look {
			look = d.size + roomStep
			if err := s.pool.Room(opFetch, o.name, 0); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF) && f.total >= 0 && d.size < f.total:
			return passing{fmt.Errorf("it broke off after %d of %d bytes", d.size, f.total)}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return passing{err}
		}
	}
}
