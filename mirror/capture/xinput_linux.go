package capture

import (
	"context"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// syncEvery is after how many requests without a reply the connection is read:
// the server may have sent errors and events that nobody wants.
const syncEvery = 256

// xinput gives input through XTEST.
type xinput struct {
	resizable bool

	// mu guards the fields below.
	mu     sync.Mutex
	conn   *xconn
	xtest  xextension
	randr  xextension
	unread int
	wheel  [2]int   // 1/120 notches that did not make a click yet
	made   []uint32 // RANDR modes of ours
	typist xtypist
}

func openInput(ctx context.Context, display string, config X11Config) (*xinput, error) {
	conn, err := dialX(ctx, display, config.Xauthority)
	if err != nil {
		return nil, err
	}
	in := &xinput{conn: conn, resizable: config.Resizable, typist: xtypist{now: time.Now}}
	if in.xtest, err = conn.extension("XTEST", words(2|2<<16)); err == nil && in.resizable {
		in.randr, err = conn.extension("RANDR", words(1, 3))
	}
	if err != nil {
		conn.conn.Close()
		return nil, err
	}
	return in, nil
}

// Types of XTEST's fake events.
const (
	keyPress      = 2
	buttonPress   = 4
	motion        = 6
	releaseOffset = 1
)

func (s *x11) Input(event wire.Message) error {
	in := s.input
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.apply(event)
}

// apply gives an event to wherever the pointer and the focus are. It needs mu.
func (in *xinput) apply(event wire.Message) error {
	switch m := event.(type) {
	case wire.Key:
		if m.Code > 247 {
			return nil // X11 has no such key
		}
		in.fake(keyPress+up(m.Down), byte(m.Code+8), 0, 0) // the evdev keymap
	case wire.Pointer:
		in.fake(motion, 0, int(m.X), int(m.Y))
	case wire.Button:
		in.fake(buttonPress+up(m.Down), m.Button, 0, 0)
	case wire.Wheel:
		in.turn(0, int(m.DY), 4, 5)
		in.turn(1, int(m.DX), 6, 7)
	case wire.Text:
		return in.text(m.Text)
	default:
		return failed(x11Op, "", fusion.ErrInvalid, "not an input event", "")
	}
	return in.send()
}

func up(down bool) byte {
	if down {
		return 0
	}
	return releaseOffset
}

// turn makes clicks of whole notches and keeps the rest.
func (in *xinput) turn(axis, delta int, back, forth byte) {
	in.wheel[axis] += delta
	for ; in.wheel[axis] >= 120; in.wheel[axis] -= 120 {
		in.click(forth)
	}
	for ; in.wheel[axis] <= -120; in.wheel[axis] += 120 {
		in.click(back)
	}
}

func (in *xinput) click(button byte) {
	in.fake(buttonPress, button, 0, 0)
	in.fake(buttonPress+releaseOffset, button, 0, 0)
}

func (in *xinput) fake(kind, detail byte, x, y int) {
	in.conn.request(in.xtest.major, 2, words(uint32(kind)|uint32(detail)<<8, 0, in.conn.screen.root, 0, 0, shorts(x, y), 0, 0))
	in.unread++
}

func (in *xinput) send() error {
	if len(in.conn.out) == 0 {
		return nil
	}
	if in.unread < syncEvery {
		return in.conn.flush()
	}
	in.unread = 0
	return in.conn.sync()
}

// close does not wait for a request under way: it is what ends one. Without
// one it gives bound keycodes back.
func (in *xinput) close() error {
	if in.mu.TryLock() {
		defer in.mu.Unlock()
		in.unbind()
	}
	return in.conn.conn.Close()
}
