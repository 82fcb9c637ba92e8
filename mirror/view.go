package mirror

import (
	"io"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// inFlight is how many frames may be unacknowledged.
const inFlight = 2

// maxPongs is how many answers wait for a viewer that does not read; then the
// oldest is dropped.
const maxPongs = 16

// view is one viewer's pipe.
type view struct {
	screen  *screen
	options fusion.ViewOptions

	// The reader's own.
	encoder  codec.Encoder
	splitter wire.Splitter
	working  *codec.Damage
	buf      []byte
	greeted  bool
	titled   string
	last     bool // closed was sent

	held  held // the writer's and end's
	leave sync.Once

	// Guarded by screen.mu.
	damage  *codec.Damage
	cursor  bool // the cursor is to be sent
	key     bool // a key frame is to be sent
	sent    uint32
	acked   uint32
	pongs   []uint64
	able    codec.Able
	rested  bool         // what was video came to rest: encode without damage
	alarm   *time.Timer  // sets rested
	closed  *wire.Closed // set once: what to say last
	dropped bool         // Close was called: say nothing more
}

var _ fusion.Pipe = (*view)(nil)

func newView(sc *screen, options fusion.ViewOptions) *view {
	v := &view{screen: sc, options: options, working: new(codec.Damage), damage: new(codec.Damage), key: true, cursor: true}
	v.alarm = time.AfterFunc(time.Hour, v.wakeRested)
	v.alarm.Stop()
	return v
}

// wakeRested is the alarm's: what was video is to be sent exactly.
func (v *view) wakeRested() {
	v.screen.mu.Lock()
	defer v.screen.mu.Unlock()
	v.rested = true
	v.screen.wake.Broadcast()
}

// credit says whether the view could take a frame. It needs screen.mu.
func (v *view) credit() bool { return v.sent-v.acked < inFlight }

// note adds a change. It needs screen.mu, and the pixels locked.
func (v *view) note(change capture.Change) {
	v.damage.SetSize(change.Width, change.Height)
	for _, r := range change.Damage {
		v.damage.Add(r)
	}
	for _, patch := range change.Patches {
		v.damage.Add(patch.Rect)
	}
	v.cursor = v.cursor || change.Cursor != nil
}

// Read makes the next message when there is something to say.
func (v *view) Read() ([]byte, error) {
	for {
		if v.splitter.More() && !v.gone() {
			return v.splitter.Next(), nil
		}
		message, frame, err := v.next()
		if err != nil {
			return nil, err
		}
		if message != nil {
			v.buf = message.Append(v.buf[:0])
			return v.buf, nil
		}
		if frame {
			if err := v.encode(); err != nil {
				v.end(wire.Closed{Reason: wire.Failed, Text: err.Error()})
			}
		}
	}
}

// More says whether Read has a message at hand.
func (v *view) More() bool { return v.splitter.More() }

func (v *view) gone() bool {
	v.screen.mu.Lock()
	defer v.screen.mu.Unlock()
	return v.dropped
}

// next waits for something to say: a message, or a frame to be made.
func (v *view) next() (message wire.Message, frame bool, err error) {
	sc := v.screen
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for {
		switch {
		case v.dropped || v.last:
			return nil, false, io.EOF
		case !v.greeted:
			if sc.ready || v.closed != nil {
				return v.hello(), false, nil
			}
		case v.closed != nil:
			v.last = true
			return *v.closed, false, nil
		case v.titled != sc.title:
			v.titled = sc.title
			return wire.Title{Text: sc.title}, false, nil
		case len(v.pongs) > 0:
			id := v.pongs[0]
			v.pongs = v.pongs[1:]
			return wire.Pong{ID: id}, false, nil
		case v.credit() && (v.key || v.cursor && sc.cursor != nil || v.rested || !v.damage.Empty()):
			return nil, true, nil
		}
		sc.wake.Wait()
	}
}

// hello needs screen.mu.
func (v *view) hello() wire.Message {
	sc := v.screen
	v.greeted, v.titled = true, sc.title
	hello := wire.Hello{ViewOnly: v.options.ViewOnly, Title: sc.title,
		Width: uint16(sc.located.Screen.Width), Height: uint16(sc.located.Screen.Height)}
	if sc.ready {
		hello.Width, hello.Height = uint16(sc.width), uint16(sc.height)
	}
	return hello
}

// encode makes a frame of the newest pixels and begins to send it.
func (v *view) encode() error {
	sc := v.screen
	sc.pixels.RLock()
	defer sc.pixels.RUnlock()
	if sc.picture == nil {
		return nil // the screen has ended
	}
	sc.mu.Lock()
	v.damage, v.working = v.working, v.damage
	v.damage.SetSize(sc.picture.Width, sc.picture.Height)
	v.damage.Clear()
	var cursor *codec.Cursor
	if v.cursor {
		cursor = sc.cursor
	}
	if v.key {
		v.encoder.Refresh()
	}
	v.key, v.cursor, v.rested = false, v.cursor && cursor == nil, false
	able := v.able
	sc.mu.Unlock()
	v.encoder.Able(able)
	frame, err := v.encoder.Encode(sc.picture, v.working, cursor)
	if wait, ok := v.encoder.Due(); ok {
		v.alarm.Reset(wait)
	}
	if err != nil || frame == nil {
		return err
	}
	seq := v.splitter.Start(frame)
	sc.mu.Lock()
	v.sent = seq
	sc.mu.Unlock()
	return nil
}

// end says why and ends the view; Read gives what is left to say.
func (v *view) end(closed wire.Closed) {
	sc := v.screen
	sc.mu.Lock()
	if v.closed == nil {
		v.closed = &closed
	}
	sc.wake.Broadcast()
	sc.mu.Unlock()
	v.leave.Do(func() {
		v.alarm.Stop()
		v.held.end(sc.located.Source)
		sc.leave(v)
	})
}

// Close ends the view and wakes Read.
func (v *view) Close() error {
	sc := v.screen
	sc.mu.Lock()
	v.dropped = true
	sc.mu.Unlock()
	v.end(wire.Closed{Reason: wire.Ended})
	return nil
}
