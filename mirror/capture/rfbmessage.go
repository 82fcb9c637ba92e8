package capture

import (
	"encoding/binary"
	"image"
	"io"

	"hither/mirror/codec"
	"hither/mirror/wire"
)

var be = binary.BigEndian

// maxPatches is how many rectangles a change holds before they become one.
const maxPatches = 64

// message reads one message of the server.
func (s *rfb) message() error {
	head, err := s.bytes(1)
	if err != nil {
		return err
	}
	switch head[0] {
	case 0:
		return s.updateMessage()
	case 1: // SetColourMapEntries
		if head, err = s.bytes(5); err != nil {
			return err
		}
		return s.skip(int64(be.Uint16(head[3:])) * 6)
	case 2: // Bell
		return nil
	case 3: // ServerCutText
		if head, err = s.bytes(7); err != nil {
			return err
		}
		return s.skip(int64(be.Uint32(head[3:])))
	}
	return nonsense("type of a message")
}

// bytes reads the next n bytes, valid until it is called again.
func (s *rfb) bytes(n int) ([]byte, error) {
	if cap(s.scratch) < n {
		s.scratch = make([]byte, n)
	}
	b := s.scratch[:n]
	_, err := io.ReadFull(s.r, b)
	return b, err
}

func (s *rfb) updateMessage() error {
	s.asked = false
	head, err := s.bytes(3)
	if err != nil {
		return err
	}
	for range be.Uint16(head[1:]) {
		b, err := s.bytes(12)
		if err != nil {
			return err
		}
		x, y := int(be.Uint16(b)), int(be.Uint16(b[2:]))
		w, h := int(be.Uint16(b[4:])), int(be.Uint16(b[6:]))
		if err := s.rect(image.Rect(x, y, x+w, y+h), int32(be.Uint32(b[8:]))); err != nil {
			return err
		}
	}
	return nil
}

// rect reads one rectangle of an update.
func (s *rfb) rect(r image.Rectangle, encoding int32) error {
	switch encoding {
	case encRaw:
		return s.raw(r)
	case encCopyRect:
		return s.copyRect(r)
	case encDesktopSize:
		return s.size(r.Dx(), r.Dy())
	case encExtendedSize:
		return s.extendedSize(r)
	case encCursor:
		return s.richCursor(r)
	case encPointing:
		s.pointing(r.Min.X == 0)
		return nil
	case encExtendedKey:
		s.note(func(k *keyboard) { k.extended = true })
		return nil
	case encLEDState:
		b, err := s.bytes(1)
		if err == nil {
			s.note(func(k *keyboard) { k.numLock, k.capsLock = b[0]&2 != 0, b[0]&4 != 0 })
		}
		return err
	}
	return nonsense("encoding of a rectangle")
}

// pointing notes how the guest takes the pointer: as its driver chose among the
// devices it has, and it may choose anew.
func (s *rfb) pointing(relative bool) {
	s.note(func(k *keyboard) { k.relative = relative })
	if s.mouse {
		s.moves = &wire.Pointing{Relative: relative}
	}
}

func (s *rfb) note(what func(*keyboard)) {
	s.keyboard.mu.Lock()
	defer s.keyboard.mu.Unlock()
	what(&s.keyboard)
}

func (s *rfb) inside(r image.Rectangle) error {
	if !r.In(s.picture.Bounds()) {
		return nonsense("rectangle leaves the console")
	}
	return nil
}

func (s *rfb) raw(r image.Rectangle) error {
	if r.Empty() {
		return nil
	}
	if err := s.inside(r); err != nil {
		return err
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		at := y*s.picture.Stride + r.Min.X*4
		if _, err := io.ReadFull(s.r, s.picture.Pix[at:at+r.Dx()*4]); err != nil {
			return err
		}
	}
	s.blank = false
	s.dirty(r)
	return nil
}

func (s *rfb) copyRect(r image.Rectangle) error {
	b, err := s.bytes(4)
	if err != nil {
		return err
	}
	from := image.Pt(int(be.Uint16(b)), int(be.Uint16(b[2:])))
	if r.Empty() {
		return nil
	}
	if err := s.inside(r); err != nil {
		return err
	}
	if err := s.inside(image.Rectangle{from, from.Add(r.Size())}); err != nil {
		return err
	}
	s.picture.Move(r.Min, from, r.Dx(), r.Dy())
	s.dirty(r)
	return nil
}

// dirty notes a changed place. Rectangles may come in any number, so beyond
// some they become one.
func (s *rfb) dirty(r image.Rectangle) {
	if len(s.patches) == maxPatches {
		for _, other := range s.patches {
			r = r.Union(other)
		}
		s.patches = s.patches[:0]
	}
	s.patches = append(s.patches, r)
}

func (s *rfb) extendedSize(r image.Rectangle) error {
	head, err := s.bytes(4)
	if err != nil {
		return err
	}
	if err := s.skip(int64(head[0]) * 16); err != nil {
		return err
	}
	s.note(func(k *keyboard) { k.sizable = true })
	const ours = 1
	if r.Min.X == ours && r.Min.Y != 0 {
		return nil // our wish was refused
	}
	old := s.picture
	if err := s.size(r.Dx(), r.Dy()); err != nil {
		return err
	}
	if s.picture != old {
		s.patches = s.patches[:0]
	}
	return nil
}

// richCursor reads pixels and a mask of one bit each.
func (s *rfb) richCursor(r image.Rectangle) error {
	w, h := r.Dx(), r.Dy()
	if w*h > maxRFBCursor {
		return nonsense("size of the cursor")
	}
	line := (w + 7) / 8
	b, err := s.bytes(w*h*4 + line*h)
	if err != nil {
		return err
	}
	mask := b[w*h*4:]
	c := &codec.Cursor{HotX: r.Min.X, HotY: r.Min.Y, Width: min(w, codec.MaxCursor), Height: min(h, codec.MaxCursor)}
	for y := range c.Height {
		for x := range c.Width {
			p := b[(y*w+x)*4:]
			alpha := -(mask[y*line+x/8] >> (7 - x%8) & 1) // 0 or 255
			c.Pix = append(c.Pix, p[2]&alpha, p[1]&alpha, p[0]&alpha, alpha)
		}
	}
	if w == 0 || h == 0 {
		c = &codec.Cursor{}
	}
	s.cursor = c
	return nil
}
