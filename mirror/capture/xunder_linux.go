package capture

import (
	"errors"
	"image"
)

// xunder says what lies below a popup that is clear in places: a menu with round
// corners, or with a shadow. Nothing on a display without a compositor mixes the
// two, so it is done here, or the menu would stand in a black box.
type xunder struct {
	window uint32 // that the popup belongs to, or 0
	pixmap uint32 // names that window's while it is fetched
	alpha  bool   // the popup's pixels have one
}

// mix draws what is below a popup into the clear places of a change. What lies
// beside the window that the popup belongs to looks like that window's edge.
func (s *xwindow) mix(change Change) error {
	if s.under.window == 0 || !s.under.alpha {
		return nil
	}
	patches := change.Patches
	if p := change.Whole; p != nil {
		patches = []Patch{{image.Rect(0, 0, p.Width, p.Height), p.Pix, p.Stride}}
	}
	var area image.Rectangle
	for _, p := range patches {
		if p.clear() {
			area = area.Union(p.Rect)
		}
	}
	if area.Empty() {
		return nil
	}
	below, at, err := s.below(area)
	if err != nil || below.Pix == nil {
		var refused xerror
		if errors.As(err, &refused) {
			err = nil // the other window is hidden, or went: what is clear stays black
		}
		return err
	}
	for _, p := range patches {
		p.over(below, at)
	}
	return nil
}

// below fetches what of the window that the popup belongs to is under area, or
// nothing. A place of the popup's picture moved by at is one of its window's.
func (s *xwindow) below(area image.Rectangle) (below Patch, at image.Point, err error) {
	window, pixmap := s.under.window, s.under.pixmap
	s.conn.request(s.composite.major, 6, words(window, pixmap)) // NameWindowPixmap
	geometrySeq := s.conn.request(14, 0, words(pixmap))         // GetGeometry
	borderSeq := s.conn.request(14, 0, words(window))
	placeSeq := s.conn.request(40, 0, words(s.window, window, shorts(0, 0))) // TranslateCoordinates
	size, err1 := s.conn.reply(geometrySeq)
	bordered, err2 := s.conn.reply(borderSeq)
	place, err3 := s.conn.reply(placeSeq)
	if err := errors.Join(err1, err2, err3); err != nil {
		return below, at, err
	}
	defer s.conn.request(54, 0, words(pixmap)) // FreePixmap
	border := int(le.Uint16(bordered[20:])) - int(s.geometry[2])
	at = image.Pt(int(int16(le.Uint16(place[12:])))+border, int(int16(le.Uint16(place[14:])))+border).Add(s.origin)
	r := nearest(area.Add(at), image.Rect(0, 0, int(le.Uint16(size[16:])), int(le.Uint16(size[18:]))))
	const allPlanes, zPixmap = 0xffffffff, 2
	pixels, err := s.conn.call(73, zPixmap, words(pixmap, shorts(r.Min.X, r.Min.Y), shorts(r.Dx(), r.Dy()), allPlanes)) // GetImage
	if err != nil || len(pixels) < 32+r.Dx()*r.Dy()*4 {
		return below, at, err
	}
	return Patch{r, pixels[32:], r.Dx() * 4}, at, nil
}

// nearest is what of r lies in bounds, or what of bounds is nearest to it.
func nearest(r, bounds image.Rectangle) image.Rectangle {
	near := func(v, least, most int) int { return max(least, min(v, most)) }
	out := image.Rectangle{Min: image.Pt(near(r.Min.X, bounds.Min.X, bounds.Max.X-1), near(r.Min.Y, bounds.Min.Y, bounds.Max.Y-1))}
	out.Max = image.Pt(near(r.Max.X, out.Min.X+1, bounds.Max.X), near(r.Max.Y, out.Min.Y+1, bounds.Max.Y))
	return out
}

// clear says whether a pixel is not wholly covered.
func (p Patch) clear() bool {
	for y := range p.Rect.Dy() {
		row := p.Pix[y*p.Stride:][:p.Rect.Dx()*4]
		for i := 3; i < len(row); i += 4 {
			if row[i] != 0xff {
				return true
			}
		}
	}
	return false
}

// over lays a patch, whose colours are multiplied with its alpha, over another
// one, whose places are at farther.
func (p Patch) over(below Patch, at image.Point) {
	for y := range p.Rect.Dy() {
		row := p.Pix[y*p.Stride:][:p.Rect.Dx()*4]
		under := max(0, min(p.Rect.Min.Y+y+at.Y-below.Rect.Min.Y, below.Rect.Dy()-1))
		for x := range p.Rect.Dx() {
			pixel := row[x*4:][:4]
			if pixel[3] == 0xff {
				continue
			}
			from := max(0, min(p.Rect.Min.X+x+at.X-below.Rect.Min.X, below.Rect.Dx()-1))
			other := below.Pix[under*below.Stride+from*4:][:3]
			rest := 255 - int(pixel[3])
			for k, v := range other {
				pixel[k] = byte(min(255, int(pixel[k])+(int(v)*rest+127)/255))
			}
			pixel[3] = 0xff
		}
	}
}
