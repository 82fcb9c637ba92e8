package capture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

const shotsOp = "screen.shots"

// Pauses between two screenshots: each costs the hypervisor a whole picture.
const (
	soonestShot = 250 * time.Millisecond
	rarestShot  = time.Second
)

// ShotsConfig says how a screen is looked at and typed on that has no better way.
type ShotsConfig struct {
	// Shot gives the screen as PNG. An error with cause ErrInvalid or ErrNotFound says that
	// the screen ended. It is called from one goroutine at a time.
	Shot func(ctx context.Context) ([]byte, error)
	// Strike presses keys (evdev codes) together and lets them go.
	Strike func(ctx context.Context, keys []uint16) error
}

// shots is a screen that is seen by screenshots. ctx ends with it.
type shots struct {
	config ShotsConfig
	ctx    context.Context
	end    context.CancelFunc
	first  *codec.Picture // of the opening; look takes it

	mu     sync.Mutex // guards the fields below, and keeps strikes in order
	held   []uint16   // modifiers
	struck bool       // a key was struck while they were held
}

// Shots shows a VM's screen by screenshots, a few in a second and only while somebody waits
// for one, and types on it. It knows of no pointer: what a pointer does is left out. Keys are
// struck when they are pressed, with the modifiers that are held; how long one is held the
// screen does not learn. ctx bounds the first screenshot only; its error is that of Shots.
func Shots(ctx context.Context, config ShotsConfig) (Source, error) {
	data, err := config.Shot(ctx)
	if err != nil {
		return nil, err
	}
	s := &shots{config: config}
	if s.first, err = fromPNG(data, nil); err != nil {
		return nil, err
	}
	s.ctx, s.end = context.WithCancel(context.Background()) // a source lives until Close
	p := newPolled(s)
	p.soonest, p.rarest, p.attentive, p.stop = soonestShot, rarestShot, true, s.end
	return p, nil
}

func (s *shots) look(p *codec.Picture) (*codec.Picture, error) {
	if first := s.first; first != nil {
		s.first = nil
		return first, nil
	}
	data, err := s.config.Shot(s.ctx)
	if s.ctx.Err() != nil || errors.Is(err, fusion.ErrInvalid) || errors.Is(err, fusion.ErrNotFound) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	return fromPNG(data, p)
}

// fromPNG reads a screenshot, into p if that has its size.
func fromPNG(data []byte, p *codec.Picture) (*codec.Picture, error) {
	bad := func(detail string) error { return failed(shotsOp, "", fusion.ErrInvalid, detail, "") }
	head, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, bad("the screenshot is no PNG")
	}
	if head.Width < 1 || head.Height < 1 || head.Width*head.Height > codec.MaxPixels {
		return nil, bad("size of the screenshot")
	}
	from, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, bad("the screenshot is broken")
	}
	if p == nil || p.Width != head.Width || p.Height != head.Height {
		p = codec.NewPicture(head.Width, head.Height)
	}
	fill(p, from)
	return p, nil
}

// fill fills p with a picture of its size. QEMU writes RGB, which Go reads as RGBA.
func fill(p *codec.Picture, from image.Image) {
	at := from.Bounds().Min
	for y := range p.Height {
		row := p.Pix[y*p.Stride:][:p.Width*4]
		if rgba, is := from.(*image.RGBA); is {
			line := rgba.Pix[y*rgba.Stride:]
			for x := 0; x < len(row); x += 4 {
				row[x], row[x+1], row[x+2], row[x+3] = line[x+2], line[x+1], line[x], 0
			}
			continue
		}
		for x := range p.Width {
			c := color.NRGBAModel.Convert(from.At(at.X+x, at.Y+y)).(color.NRGBA)
			row[x*4], row[x*4+1], row[x*4+2], row[x*4+3] = c.B, c.G, c.R, 0
		}
	}
}

// modifiers are the evdev codes of Ctrl, Shift, Alt and Meta, left and right.
var modifiers = map[uint16]bool{29: true, 97: true, evdevLeftShift: true, evdevRightShift: true, 56: true, 100: true, 125: true, 126: true}

func (s *shots) input(event wire.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := event.(type) {
	case wire.Key:
		return s.key(m)
	case wire.Text:
		return s.text(m.Text)
	case wire.Pointer, wire.Button, wire.Wheel:
		return nil // there is no way for them
	}
	return failed(shotsOp, "", fusion.ErrInvalid, "not an input event", "")
}

// key strikes a key when it goes down. A modifier is struck by itself when it comes up and
// nothing was struck with it. mu is held.
func (s *shots) key(m wire.Key) error {
	switch {
	case modifiers[m.Code] && m.Down:
		s.letGo(m.Code) // a key that repeats is held once
		s.held = append(s.held, m.Code)
		s.struck = false
	case modifiers[m.Code]:
		alone := s.letGo(m.Code) && !s.struck
		s.struck = true
		if alone {
			return s.config.Strike(s.ctx, append(append([]uint16{}, s.held...), m.Code))
		}
	case m.Down:
		s.struck = true
		return s.config.Strike(s.ctx, append(append([]uint16{}, s.held...), m.Code))
	}
	return nil
}

func (s *shots) letGo(code uint16) bool {
	for i, held := range s.held {
		if held == code {
			s.held = append(s.held[:i], s.held[i+1:]...)
			return true
		}
	}
	return false
}

// text types what a US keyboard has, by its physical keys, as on other consoles. mu is held.
func (s *shots) text(text string) error {
	var left []rune
	for _, r := range text {
		key, ok := usKeys[r]
		if !ok {
			left = append(left, r)
			continue
		}
		keys := []uint16{key.code}
		if key.shifted {
			keys = []uint16{evdevLeftShift, key.code}
		}
		if err := s.config.Strike(s.ctx, keys); err != nil {
			return err
		}
	}
	return untyped(left)
}

func (s *shots) close() {}
