package capture

import (
	"errors"
	"image"

	"hither/mirror/codec"
)

const (
	// maxRects is how many rectangles of damage are fetched one by one; of
	// more, their bounds are.
	maxRects = 24
	// guessArea is up to how many pixels the bounds of the damage are fetched
	// together with its rectangles, in one round trip.
	guessArea = 1 << 16
)

// pixels takes the damage over from the server and fetches its pixels. The
// damage is subtracted first: what is drawn later is told of again.
func (s *x11) pixels() (Change, error) {
	for {
		whole := s.whole
		s.whole = false
		if whole && len(s.shm.mem) != s.width*s.height*4 {
			if err := s.attach(); err != nil {
				return Change{}, err
			}
		}
		change, err := s.tryPixels(whole)
		var refused xerror
		if errors.As(err, &refused) && (refused.code == badMatch || refused.code == badAccess) && s.sync() == nil && s.whole {
			continue // the display became smaller under the grab, or larger than the memory
		}
		if err == nil && s.whole {
			continue // the size changed, so what was fetched is void
		}
		return change, err
	}
}

// Errors of the core protocol.
const (
	badMatch  = 8
	badAccess = 10
)

func (s *x11) sync() error { return s.conn.sync() }

func (s *x11) tryPixels(whole bool) (Change, error) {
	bounds := image.Rect(0, 0, s.width, s.height)
	area := s.area.Intersect(bounds)
	if whole {
		area = bounds
	}
	s.area, s.late, s.taking = image.Rectangle{}, image.Rectangle{}, true
	defer func() { s.taking = false }()
	if fetch := s.fetch.Swap(false); fetch && !s.spared.Empty() {
		s.subtract(0)
		return s.fetchWhole(area)
	}
	if 2*pixelsOf(area) > pixelsOf(bounds) {
		s.subtract(0)
		if whole {
			return s.fetchWhole(area)
		}
		return s.fetchLarge(area)
	}
	s.subtract(s.region)
	regionSeq := s.conn.request(s.xfixes.major, 19, words(s.region)) // FetchRegion
	var guessSeq uint16
	if n := area.Dx() * area.Dy(); n > 0 && n <= guessArea && s.buffer == nil {
		guessSeq = s.image(area, 0)
	}
	b, regionErr := s.conn.reply(regionSeq)
	if guessSeq != 0 {
		if _, err := s.conn.reply(guessSeq); err != nil {
			return Change{}, err
		}
	}
	if regionErr != nil {
		return Change{}, regionErr
	}
	rects := xrects(b, s.shift, bounds)
	if 2*pixelsOf(rects...) > pixelsOf(bounds) {
		return s.fetchLarge(bounding(rects)) // much was drawn since the events
	}
	if guessSeq != 0 && covers(area, rects) {
		return Change{Patches: []Patch{s.patch(area, 0)}}, nil
	}
	patches, err := s.fetchRects(rects)
	return Change{Patches: patches}, err
}

// subtract takes the damage over, into a region unless that is 0.
func (s *x11) subtract(region uint32) {
	s.taken = s.conn.request(s.damage.major, 3, words(s.track, s.within, region))
}

// fetchWhole gets the whole picture, into the memory that is not the receiver's
// picture, and makes it so: the two change places.
func (s *x11) fetchWhole(damage image.Rectangle) (Change, error) {
	bounds := image.Rect(0, 0, s.width, s.height)
	if s.buffer != nil {
		if err := s.reachable(bounds); err != nil || s.whole { // of another size now
			return Change{}, err
		}
		s.buffer.patch(bounds).Apply(s.picture(s.shm))
	} else if _, err := s.conn.reply(s.image(bounds, 0)); err != nil {
		return Change{}, err
	}
	s.shm, s.given, s.spared = s.given, s.shm, image.Rectangle{}
	return Change{Whole: s.picture(s.given), Damage: []image.Rectangle{damage.Union(s.late).Intersect(bounds)}}, nil
}

func (s *x11) picture(m shm) *codec.Picture {
	return &codec.Picture{Width: s.width, Height: s.height, Stride: s.width * 4, Pix: m.mem}
}

// pixelsOf is how many pixels rectangles have that do not overlap.
func pixelsOf(rects ...image.Rectangle) (n int) {
	for _, r := range rects {
		n += r.Dx() * r.Dy()
	}
	return n
}

func bounding(rects []image.Rectangle) (all image.Rectangle) {
	for _, r := range rects {
		all = all.Union(r)
	}
	return all
}

// fetchLarge gets the whole picture, or what is needed of it.
func (s *x11) fetchLarge(damage image.Rectangle) (Change, error) {
	look := s.look.Load()
	if look != nil && damage.In(look.Area) && look.Area.In(image.Rect(0, 0, s.width, s.height)) {
		return s.fetchLook(look, damage)
	}
	return s.fetchWhole(damage)
}

// fetchLook gets what a look needs of the damage in its area.
func (s *x11) fetchLook(look *codec.Look, damage image.Rectangle) (Change, error) {
	patches, err := s.fetchRects(look.Rects)
	if err != nil {
		return Change{}, err
	}
	if damage = damage.Union(s.late); !damage.In(look.Area) {
		return s.fetchWhole(damage)
	}
	s.spared = s.spared.Union(damage)
	return Change{Patches: patches, Damage: []image.Rectangle{damage}, Look: look}, nil
}

// xrects reads the rectangles of a FetchRegion reply, moved by shift.
func xrects(b []byte, shift image.Point, bounds image.Rectangle) []image.Rectangle {
	var rects []image.Rectangle
	if (len(b)-32)/8 > maxRects {
		b = b[8:16] // the extents
	} else {
		b = b[32:]
	}
	for ; len(b) >= 8; b = b[8:] {
		rects = append(rects, xrect(b).Add(shift))
	}
	return within(rects, bounds)
}

// xrect reads a RECTANGLE of the protocol: x, y, width and height of 16 bits.
func xrect(b []byte) image.Rectangle {
	x, y := int(int16(le.Uint16(b))), int(int16(le.Uint16(b[2:])))
	return image.Rect(x, y, x+int(le.Uint16(b[4:])), y+int(le.Uint16(b[6:])))
}

func covers(r image.Rectangle, rects []image.Rectangle) bool {
	for _, inner := range rects {
		if !inner.In(r) {
			return false
		}
	}
	return !r.Empty()
}

// fetchRects gets the pixels of rectangles that do not overlap, in one round trip.
func (s *x11) fetchRects(rects []image.Rectangle) ([]Patch, error) {
	var patches []Patch
	if s.buffer != nil {
		if err := s.reachable(rects...); err != nil {
			return nil, err
		}
		for _, r := range rects {
			patches = append(patches, s.buffer.patch(r))
		}
		return patches, nil
	}
	var seqs []uint16
	offset := 0
	for _, r := range rects {
		seqs = append(seqs, s.image(r, offset))
		patches = append(patches, s.patch(r, offset))
		offset += r.Dx() * r.Dy() * 4
	}
	var first error
	for _, seq := range seqs {
		if _, err := s.conn.reply(seq); err != nil {
			first = errors.Join(first, err)
		}
	}
	return patches, first
}

func (s *x11) image(r image.Rectangle, offset int) uint16 {
	const allPlanes, zPixmap = 0xffffffff, 2
	return s.conn.request(s.shmExt.major, 4, words(s.drawable, shorts(r.Min.X+s.origin.X, r.Min.Y+s.origin.Y), shorts(r.Dx(), r.Dy()),
		allPlanes, zPixmap, s.shm.seg, uint32(offset)))
}

func (s *x11) patch(r image.Rectangle, offset int) Patch {
	return Patch{r, s.shm.mem[offset : offset+r.Dx()*r.Dy()*4], r.Dx() * 4}
}

// xcursor makes a cursor of premultiplied ARGB words, cut to what the wire takes.
func xcursor(b []byte, w, h, hotX, hotY int) *codec.Cursor {
	c := &codec.Cursor{HotX: hotX, HotY: hotY, Width: min(w, codec.MaxCursor), Height: min(h, codec.MaxCursor)}
	for y := range c.Height {
		for x := range c.Width {
			p := b[(y*w+x)*4:]
			c.Pix = append(c.Pix, straight(p[2], p[3]), straight(p[1], p[3]), straight(p[0], p[3]), p[3])
		}
	}
	if c.Width == 0 || c.Height == 0 {
		return &codec.Cursor{}
	}
	return c
}

// straight undoes the multiplication with alpha.
func straight(v, alpha byte) byte {
	if alpha == 0 {
		return 0
	}
	return byte(min(255, (int(v)*255+int(alpha)/2)/int(alpha)))
}
