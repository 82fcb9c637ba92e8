//go:build amd64 || arm64

package portal

import (
	"context"
	"errors"
	"sync"

	"hither/fusion"
	"hither/mirror/capture/wlinput"
	"hither/mirror/wire"
)

// hand gives input to the desktop. Its methods are called one at a time; places
// are pixels of a picture of the given size.
type hand interface {
	Key(code uint16, down bool) error
	Point(x, y, width, height int) error
	Button(code uint16, down bool) error
	// Wheel turns by 1/120 notches, positive right and down.
	Wheel(dx, dy int) error
	// Text types a text, of which a line feed is Enter and a tab Tab.
	Text(text string) error
	Close() error
}

// input is the hand that a desktop has, if any.
type input struct {
	mu            sync.Mutex // guards the fields below
	hand          hand       // nil: the desktop can only be looked at
	reason        error      // why
	width, height int        // of the picture; 0 before there is one
}

// openInput takes the portal's way if it was allowed, else the compositor's own
// protocols, and nothing where it has neither.
func openInput(ctx context.Context, s *shared) (*input, error) {
	if s.devices&(keyboard|pointer) != 0 {
		return &input{hand: &devices{shared: s}}, nil
	}
	if s.remote {
		return &input{reason: failed(fusion.ErrPermission, "the person at the screen allowed to look, and no more",
			"allow remote interaction in the question at its screen")}, nil
	}
	x, y, _ := s.stream.place("position")
	own, err := wlinput.Open(ctx, wlinput.Config{X: x, Y: y})
	if errors.Is(err, fusion.ErrUnsupported) {
		return &input{reason: err}, nil
	}
	if err != nil {
		return nil, err
	}
	// The portal of wlroots shows nothing until something changes, if somebody
	// has looked before: wlroots remembers for it what was seen.
	return &input{hand: own}, own.Nudge()
}

func (in *input) resize(width, height int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.width, in.height = width, height
}

// Codes of buttons: linux/input-event-codes.h.
var buttons = map[byte]uint16{wire.LeftButton: 0x110, wire.RightButton: 0x111, wire.MiddleButton: 0x112,
	wire.BackButton: 0x113, wire.ForwardButton: 0x114}

func (in *input) apply(event wire.Message) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.hand == nil {
		return in.reason
	}
	switch m := event.(type) {
	case wire.Key:
		return in.hand.Key(m.Code, m.Down)
	case wire.Pointer:
		if in.width == 0 {
			return nil
		}
		return in.hand.Point(int(m.X), int(m.Y), in.width, in.height)
	case wire.Button:
		if code, ok := buttons[m.Button]; ok {
			return in.hand.Button(code, m.Down)
		}
		return nil
	case wire.Wheel:
		return in.hand.Wheel(int(m.DX), int(m.DY))
	case wire.Text:
		return in.hand.Text(m.Text)
	}
	return failed(fusion.ErrInvalid, "not an input event", "")
}

func (in *input) close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.hand == nil {
		return nil
	}
	return in.hand.Close()
}
