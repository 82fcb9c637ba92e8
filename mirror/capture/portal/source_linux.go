//go:build amd64 || arm64

package portal

import (
	"context"
	"errors"
	"image"
	"io"
	"sync"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/pipewire"
	"hither/mirror/wire"
)

// source is the desktop. Next owns the fields from pictures on.
type source struct {
	shared *shared
	frames *pipewire.Stream
	input  *input
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once

	pictures [2]*codec.Picture    // the receiver's, and the one that is written next
	stale    [2][]image.Rectangle // what each lacks
	next     int                  // the one to write
	cursor   *codec.Cursor        // not given yet
	err      error                // why there will be no more
}

// Open asks the person at the screen for the desktop, which may take as long as
// they take: ctx bounds it. It promises ErrPermission for a no, and
// ErrUnsupported where the session has no portal or no PipeWire. The desktop has
// a size of its own, so Resize promises ErrUnsupported too.
func Open(ctx context.Context, config Config) (capture.Source, error) {
	b, err := dial()
	if err != nil {
		return nil, err
	}
	s := &source{wake: make(chan struct{}, 1), closed: make(chan struct{})}
	if s.shared, err = share(ctx, b, config); err != nil {
		return nil, errors.Join(named(err), b.close())
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(named(err), s.Close())
	}
	return s, nil
}

// named gives what other packages say the operation, and a cause if it has none.
func named(err error) error {
	var known *fusion.Error
	if errors.As(err, &known) {
		return err
	}
	return failed(err, "", "")
}

func (s *source) open(ctx context.Context) error {
	fd, err := s.shared.connect(ctx)
	if err != nil {
		return err
	}
	s.frames, err = pipewire.Open(fd, s.shared.stream.Node)
	if errors.Is(err, pipewire.ErrMissing) {
		return failed(fusion.ErrUnsupported, err.Error(), hintPackages)
	}
	if err != nil {
		return err
	}
	if !s.shared.cursor {
		s.cursor = &codec.Cursor{} // it is part of the picture, or there is none
	}
	s.input, err = openInput(ctx, s.shared)
	return err
}

func (s *source) Next() (capture.Change, error) {
	for s.err == nil {
		if change, some := s.take(); some {
			return change, nil
		}
		if s.err = s.ended(); s.err != nil {
			break
		}
		select {
		case <-s.wake:
			return capture.Change{}, nil
		case <-s.frames.Changed():
		case <-s.closed:
			s.err = io.EOF
		case signal, ok := <-s.shared.bus.signals:
			if !ok || s.shared.over(signal) {
				s.err = io.EOF
			}
		}
	}
	return capture.Change{}, s.err
}

// ended says why there will be no more frames, and nil if there may be.
func (s *source) ended() error {
	err := s.frames.Err()
	switch {
	case s.err != nil:
		return s.err
	case errors.Is(err, pipewire.ErrEnded):
		return io.EOF
	case err != nil:
		return named(err)
	}
	return nil
}

// take gives what is new.
func (s *source) take() (change capture.Change, some bool) {
	s.frames.Take(func(f *pipewire.Frame) { change = s.read(f) })
	if s.pictures[0] == nil { // there is nothing to point at yet
		return capture.Change{}, false
	}
	change.Width, change.Height = s.pictures[0].Width, s.pictures[0].Height
	change.Cursor, s.cursor = s.cursor, nil
	return change, change.Whole != nil || change.Cursor != nil
}

// read takes a frame over.
func (s *source) read(f *pipewire.Frame) (change capture.Change) {
	if f.Cursor != nil {
		s.cursor = shape(f.Cursor)
	}
	if f.Pix == nil {
		return capture.Change{}
	}
	w, h := f.Width, f.Height
	if sideways(f.Turn) {
		w, h = h, w
	}
	if w*h > codec.MaxPixels {
		s.err = failed(fusion.ErrUnsupported, "the screen is too large", "")
		return capture.Change{}
	}
	damage := s.damage(f, w, h)
	p := s.pictures[s.next]
	for _, r := range s.stale[s.next] {
		draw(p, f, r)
	}
	s.stale[s.next] = s.stale[s.next][:0]
	s.next = 1 - s.next
	s.input.resize(w, h)
	return capture.Change{Whole: p, Damage: damage}
}

// damage notes what both pictures lack, and makes new ones of a new size.
func (s *source) damage(f *pipewire.Frame, w, h int) []image.Rectangle {
	damage, all := f.Damage, image.Rect(0, 0, w, h)
	if s.pictures[0] == nil || s.pictures[0].Bounds() != all {
		s.pictures = [2]*codec.Picture{codec.NewPicture(w, h), codec.NewPicture(w, h)}
		s.stale = [2][]image.Rectangle{}
		damage = []image.Rectangle{all}
	}
	if f.Turn != 0 {
		damage = []image.Rectangle{all}
	}
	for i := range s.stale {
		if s.stale[i] = append(s.stale[i], damage...); len(s.stale[i]) > maxStale {
			s.stale[i] = append(s.stale[i][:0], all)
		}
	}
	return damage
}

// maxStale bounds how many rectangles a picture lacks before it is copied whole.
const maxStale = 128

// shape turns PipeWire's cursor, whose alpha is multiplied in, into one of the
// wire.
func shape(c *pipewire.Cursor) *codec.Cursor {
	out := &codec.Cursor{HotX: c.HotX, HotY: c.HotY, Width: c.Width, Height: c.Height, Pix: c.Pix}
	for i := 0; i+4 <= len(c.Pix); i += 4 {
		if alpha := int(c.Pix[i+3]); alpha > 0 {
			for j := range 3 {
				c.Pix[i+j] = byte(min(255, (int(c.Pix[i+j])*255+alpha/2)/alpha))
			}
		}
	}
	return out
}

func (s *source) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it is woken already
	}
}

func (s *source) Input(event wire.Message) error { return s.input.apply(event) }

func (s *source) Resize(int, int) error {
	return failed(fusion.ErrUnsupported, "this desktop has a size of its own", "")
}

func (s *source) Close() (err error) {
	s.once.Do(func() {
		close(s.closed)
		if s.input != nil {
			err = s.input.close()
		}
		if s.frames != nil {
			s.frames.Close() // first: a session that ends under it crashed xdg-desktop-portal-wlr 0.7.0
		}
		err = errors.Join(err, s.shared.close(), s.shared.bus.close())
	})
	return err
}
