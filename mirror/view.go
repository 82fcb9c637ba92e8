package mirror

import (
	"io"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// maxPongs is how many answers wait for a viewer that does not read; then the
// oldest is dropped.
const maxPongs = 16

// view is one viewer's pipe.
type view struct {
	screen  *screen
	options fusion.ViewOptions
	ear     *ear
	seat    *seat // nil if the view only looks

	// The reader's own.
	splitter wire.Splitter
	buf      []byte

	held  held // the writer's and end's
	leave sync.Once

	// Guarded by screen.mu.
	group   *group
	window  window
	frames  [][]byte // to be sent, no more than the window allows
	framed  bool     // a frame was sent since the last word of the seat
	sending bool     // the reader has not yet given all of a frame
	greeted bool
	titled  string
	points  wire.Pointing // as was told
	pongs   []uint64
	untyped string // to be told
	able    codec.Able
	closed  *wire.Closed // set once: what to say last
	last    bool         // closed was sent
	dropped bool         // Close was called: say nothing more
}

var _ fusion.Pipe = (*view)(nil)

func newView(sc *screen, options fusion.ViewOptions) *view {
	v := &view{screen: sc, options: options}
	v.ear = newEar(sc.server, sc.name, sc.located, options, func() {
		sc.mu.Lock()
		defer sc.mu.Unlock()
		sc.notify()
	})
	return v
}

// ready says whether the view can take a frame. It needs screen.mu.
func (v *view) ready() bool {
	return v.greeted && v.window.open() && v.closed == nil
}

// due says whether there is a frame to send or to make. It needs screen.mu.
func (v *view) due() bool { return len(v.frames) > 0 || v.ready() && v.group.due() }

// Read makes the next message when there is something to say. Until then its
// caller captures the screen, if nobody else does. Sound does not wait for a
// frame that is on its way.
func (v *view) Read() ([]byte, error) {
	for {
		if v.splitter.More() && !v.gone() {
			if m := v.ear.next(); m != nil {
				v.buf = m.Append(v.buf[:0])
				return v.buf, nil
			}
			return v.splitter.Next(), nil
		}
		message, do, err := v.next()
		switch {
		case err != nil:
			return nil, err
		case message != nil:
			v.buf = message.Append(v.buf[:0])
			return v.buf, nil
		case do != nil:
			do()
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

// next waits for something to say, or to do first.
func (v *view) next() (message wire.Message, do func(), err error) {
	v.screen.mu.Lock()
	defer v.screen.mu.Unlock()
	v.sending = false
	for {
		if message, do, err = v.step(); message != nil || do != nil || err != nil {
			return message, do, err
		}
		v.screen.wake.Wait()
	}
}

// step is next without waiting. It needs screen.mu.
func (v *view) step() (message wire.Message, do func(), err error) {
	sc := v.screen
	switch {
	case v.dropped || v.last:
		return nil, nil, io.EOF
	case !v.greeted && (sc.ready || v.closed != nil):
		return v.hello(), nil, nil
	case v.closed != nil:
		v.last = true
		return *v.closed, nil, nil
	case v.greeted && v.titled != sc.title:
		v.titled = sc.title
		return wire.Title{Text: sc.title}, nil, nil
	case v.greeted && v.points != sc.pointing:
		v.points = sc.pointing
		return sc.pointing, nil, nil
	case v.greeted && len(v.pongs) > 0:
		id := v.pongs[0]
		v.pongs = v.pongs[1:]
		return wire.Pong{ID: id}, nil, nil
	case v.greeted && v.untyped != "":
		message, v.untyped = wire.Untyped{Text: v.untyped}, ""
		return message, nil, nil
	case v.greeted && v.ear.say(&message):
		return message, nil, nil
	case v.framed && v.nextOfSeat(&message):
		v.framed = false
		return message, nil, nil
	case len(v.frames) > 0:
		v.splitter.Start(v.frames[0])
		v.frames, v.sending, v.framed = v.frames[1:], true, true
		return nil, func() {}, nil
	case v.ready() && v.group.due():
		v.group.busy = true
		return nil, v.group.encode, nil
	case v.nextOfSeat(&message):
		return message, nil, nil
	case (v.ready() || !v.greeted || v.group.loose) && !sc.capturing && !sc.ended:
		sc.capturing = true
		return nil, sc.capture, nil
	}
	return nil, nil, nil
}

// nextOfSeat gives what there is to say about the clipboard and files. It needs
// screen.mu.
func (v *view) nextOfSeat(message *wire.Message) bool {
	if v.greeted {
		*message = v.seat.next()
	}
	return *message != nil
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

// give adds a frame that was made for the view and stays as it is. It needs
// screen.mu.
func (v *view) give(frame []byte) {
	v.frames = append(v.frames, frame)
	v.window.send(len(frame), time.Now())
}

// busy says whether frames are still to be sent. It needs screen.mu.
func (v *view) busy() bool { return v.sending || len(v.frames) > 0 }

// fail ends the view because no frame can be made. It needs screen.mu.
func (v *view) fail(err error) {
	if v.closed == nil {
		v.closed = &wire.Closed{Reason: wire.Failed, Text: err.Error()}
	}
}

// end says why and ends the view; Read gives what is left to say.
func (v *view) end(closed wire.Closed) {
	sc := v.screen
	moved := sc.server.moves(sc.name, closed)
	sc.mu.Lock()
	if v.closed == nil {
		v.closed = &closed
		v.last = v.last || moved
	}
	sc.notify()
	sc.mu.Unlock()
	v.leave.Do(func() {
		v.held.end(sc.located.Source)
		v.ear.close()
		v.seat.leave()
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
