package mirror

import (
	"errors"
	"io"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// Write takes a message of the viewer and applies it before it returns. What
// is no message of the wire ends the view.
func (v *view) Write(message []byte) error {
	if v.over() {
		return io.ErrClosedPipe
	}
	m, err := wire.ParseViewer(message)
	if err == nil {
		err = v.take(m)
	}
	if err != nil {
		v.end(wire.Closed{Reason: wire.Failed, Text: err.Error()})
	}
	return err
}

func (v *view) over() bool {
	v.screen.mu.Lock()
	defer v.screen.mu.Unlock()
	return v.closed != nil
}

func (v *view) take(m wire.Message) error {
	switch m := m.(type) {
	case wire.Key, wire.Pointer, wire.Motion, wire.Button, wire.Wheel, wire.Release, wire.Resize, wire.Text:
		if v.options.ViewOnly {
			return nil
		}
		v.seat.handOver()
		return v.input(m)
	case wire.ClipOffer, wire.ClipWant, wire.ClipData,
		wire.FileDrop, wire.FileTake, wire.FileEntry, wire.FilePiece, wire.FileNews:
		v.seat.take(m)
	case wire.Listen, wire.Speak, wire.Sound:
		v.ear.take(m)
	case wire.Bye:
		if !v.options.ViewOnly {
			v.screen.server.bye(v.screen.located.Bye)
		}
	default:
		return v.control(m)
	}
	return nil
}

// input gives the source what its person did. A source that is ending takes
// none; its own end tells the viewer.
func (v *view) input(m wire.Message) error {
	source := v.screen.located.Source
	var err error
	switch m := m.(type) {
	case wire.Release:
		v.held.release(source)
	case wire.Resize:
		if err = source.Resize(int(m.Width), int(m.Height)); errors.Is(err, fusion.ErrUnsupported) {
			return nil // the next frame tells the viewer
		}
	default:
		err = v.held.input(source, m)
	}
	v.left(err)
	if err != nil {
		v.screen.server.log.Debug("input refused", "screen", v.screen.name, "error", err)
	}
	return nil
}

// control handles what concerns the view itself.
func (v *view) control(m wire.Message) error {
	sc := v.screen
	sc.mu.Lock()
	defer sc.mu.Unlock()
	switch m := m.(type) {
	case wire.Ack:
		if !v.window.known(m.Seq) {
			return &fusion.Error{Op: "wire", Cause: fusion.ErrInvalid, Detail: "ack of a frame that was not sent"}
		}
		v.window.ack(m.Seq, time.Now())
		if v.due() { // for which somebody may wait in the source
			sc.notify()
		} else {
			sc.wake.Broadcast()
		}
		return nil
	case wire.Refresh:
		v.group.key, v.group.cursor = true, true
	case wire.Able:
		v.able = able(m.Flags)
	case wire.Ping:
		if len(v.pongs) == maxPongs {
			v.pongs = v.pongs[1:]
		}
		v.pongs = append(v.pongs, m.ID)
	}
	sc.notify()
	return nil
}

// able is what a viewer's abilities mean for its encoder.
func able(flags wire.AbleFlags) codec.Able {
	switch {
	case flags&wire.VP9 == 0:
		return codec.Tiles
	case flags&wire.VP9444 == 0:
		return codec.Video
	}
	return codec.VideoAll
}

// taker takes input, as a capture.Source does.
type taker interface {
	Input(event wire.Message) error
}

// held is what a viewer holds down, so that it can be let go.
type held struct {
	mu      sync.Mutex // guards the fields below
	keys    map[uint16]bool
	buttons map[byte]bool
	over    bool
}

// maxHeld bounds what one viewer can hold; a hand has fewer fingers.
const maxHeld = 64

// input applies an event and remembers what it holds. Once over, nothing more.
func (h *held) input(source taker, m wire.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return nil
	}
	switch m := m.(type) {
	case wire.Key:
		if hold(&h.keys, m.Code, m.Down) {
			return nil
		}
	case wire.Button:
		if hold(&h.buttons, m.Button, m.Down) {
			return nil
		}
	}
	return source.Input(m)
}

// hold notes one key or button; true means there are too many.
func hold[K comparable](set *map[K]bool, k K, down bool) bool {
	if *set == nil {
		*set = map[K]bool{}
	}
	if !down {
		delete(*set, k)
		return false
	}
	if len(*set) >= maxHeld && !(*set)[k] {
		return true
	}
	(*set)[k] = true
	return false
}

// release lets everything go.
func (h *held) release(source taker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up(source)
}

// end lets everything go and takes nothing more.
func (h *held) end(source taker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	h.up(source)
}

// up needs mu. A source that is gone holds nothing down.
func (h *held) up(source taker) {
	for code := range h.keys {
		_ = source.Input(wire.Key{Code: code})
	}
	for button := range h.buttons {
		_ = source.Input(wire.Button{Button: button})
	}
	clear(h.keys)
	clear(h.buttons)
}
