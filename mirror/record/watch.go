package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"strings"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/vpx"
	"hither/mirror/wire"
)

const (
	pingEvery = 2 * time.Second
	// silence is for how long a host that is asked may say nothing before the
	// connection counts as lost.
	silence = 10 * time.Second
)

// Watch looks at the one picture of a view without a window. It gives each
// change to show, on its own goroutine, and goes on when show returns: p is
// valid until then. It asks for the screen's sound if hear is not nil, and gives
// it what the host says of it (see Recorder.Hear). It ends when the source does (nil), when ctx ends (its
// cause), when permission is withdrawn (fusion.ErrPermission), when the host
// reports a failure, or when the connection is lost (fusion.ErrOffline). It
// closes pipe and runs a second goroutine, for which it waits.
func Watch(ctx context.Context, pipe fusion.Pipe, show func(p *codec.Picture, dirty []image.Rectangle), hear func(wire.Message)) error {
	ctx, end := context.WithCancelCause(ctx)
	w := &watcher{pipe: pipe, show: show, hear: hear, decoder: &codec.Decoder{}}
	defer w.decoder.Close()
	if vpx.CanDecode() == nil {
		w.decoder.Video = codec.OpenVP9
	}
	var beat sync.WaitGroup
	beat.Go(func() { w.beat(ctx, end) })
	stop := context.AfterFunc(ctx, func() { w.close() })
	err := w.read()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	stop()
	end(nil)
	beat.Wait()
	return errors.Join(err, w.close())
}

// watcher is one Watch.
type watcher struct {
	pipe    fusion.Pipe
	show    func(p *codec.Picture, dirty []image.Rectangle)
	hear    func(wire.Message) // nil is deaf
	decoder *codec.Decoder
	frames  wire.Assembler
	closing sync.Once
	closed  error

	out   sync.Mutex // one writer at a time; guards heard too
	heard time.Time
}

func (w *watcher) close() error {
	w.closing.Do(func() { w.closed = w.pipe.Close() })
	return w.closed
}

var errFinished = errors.New("the source ended")

// read takes messages until the view ends.
func (w *watcher) read() error {
	for {
		b, err := w.pipe.Read()
		if err != nil {
			return lost(err.Error())
		}
		w.out.Lock()
		w.heard = time.Now()
		w.out.Unlock()
		m, err := wire.ParseHost(b)
		if err == nil {
			err = w.take(m)
		}
		if errors.Is(err, errFinished) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (w *watcher) take(m wire.Message) error {
	switch m := m.(type) {
	case wire.Hello:
		return w.ask()
	case wire.Sound, wire.Listening:
		if w.hear != nil {
			w.hear(m)
		}
	case wire.FramePart:
		frame, err := w.frames.Add(m)
		if err != nil || frame == nil {
			return err
		}
		update, err := w.decoder.Decode(frame)
		if err != nil {
			return err
		}
		w.show(w.decoder.Picture(), update.Dirty)
		return w.say(wire.Ack{Seq: m.Seq})
	case wire.Closed:
		return closedError(m)
	}
	return nil
}

// ask says what the watcher takes beyond tiles.
func (w *watcher) ask() (err error) {
	if w.decoder.Video != nil {
		err = w.say(wire.Able{Flags: wire.VP9 | wire.VP9444})
	}
	if w.hear != nil && err == nil {
		err = w.say(wire.Listen{On: true, Kept: true})
	}
	return err
}

// closedError is what the host's last message means.
func closedError(m wire.Closed) error {
	switch m.Reason {
	case wire.Ended:
		return errFinished
	case wire.Revoked:
		return &fusion.Error{Op: "record", Cause: fusion.ErrPermission, Hint: "ask the host's owner to grant view again"}
	}
	detail, hint, _ := strings.Cut(m.Text, "\n")
	return &fusion.Error{Op: "record", Cause: errors.New("the host cannot show this screen any more"),
		Detail: detail, Hint: cmp.Or(hint, "record it again")}
}

func lost(detail string) error {
	return &fusion.Error{Op: "record", Cause: fusion.ErrOffline, Detail: "the connection was lost: " + detail,
		Hint: "see if the host is on and reachable: hither status"}
}

func (w *watcher) say(m wire.Message) error {
	w.out.Lock()
	defer w.out.Unlock()
	if err := w.pipe.Write(m.Append(nil)); err != nil {
		return lost(err.Error())
	}
	return nil
}

// beat asks the host for a sign of life until ctx ends, and ends the watch
// where none comes.
func (w *watcher) beat(ctx context.Context, end context.CancelCauseFunc) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	began := time.Now()
	for n := uint64(1); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.out.Lock()
		heard := w.heard
		w.out.Unlock()
		if since := time.Since(later(heard, began)); since > silence {
			end(lost(fmt.Sprintf("nothing was heard for %d s", int(since.Seconds()))))
			return
		}
		if w.say(wire.Ping{ID: n}) != nil {
			return // the reader says why
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
