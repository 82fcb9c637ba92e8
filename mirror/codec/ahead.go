package codec

import (
	"bytes"
	"errors"
	"image"
	"slices"
)

// Look is what is looked at of a scroll that goes on: its newest pixels in a
// part of the places, which is enough to tell that it does. Fetching all of
// them would cost a source more than all else. See
// docs/decisions/0011-a-scroll-that-goes-on-is-trusted.md.
type Look struct {
	// Area is where things may have changed; Rects is what of it is needed.
	Area  image.Rectangle
	Rects []image.Rectangle

	nth   int // of the frame's moves, the one that goes on
	bands int // so many of Rects, the first, lie in it
}

// ErrUnseen is what Encode gives when it needs more than Seen tells of.
var ErrUnseen = errors.New("codec: more of the picture is needed")

// shows says whether a part of the picture is seen beside the move: all is
// without a look.
func (l *Look) shows(part image.Rectangle) bool {
	if l == nil {
		return true
	}
	part = tiles(part).Intersect(l.Area)
	return slices.ContainsFunc(l.Rects[l.bands:], part.In)
}

const (
	bandEvery = tile // rows from one band of a look to the next
	bandRows  = 8    // of a band
)

// Ahead gives what the next frame needs if a scroll goes on as before; nil is
// everything.
func (e *Encoder) Ahead() *Look { return e.ahead }

// lookAhead finds what Ahead gives, after a frame of a picture whose grid is
// still that of the damage.
func (e *Encoder) lookAhead(damaged image.Rectangle) *Look {
	nth := slices.IndexFunc(e.mover.found, func(v move) bool {
		return v.streak >= trusted && v.dst.In(damaged) && v.dst.Dy() > damaged.Dy()/2
	})
	if nth < 0 || e.Sure || !e.video.exact() {
		return nil
	}
	v := &e.mover.found[nth]
	e.widen(v, damaged)
	inner := e.grid.inner(v.dst)
	if inner.Dx()*inner.Dy() < damaged.Dx()*damaged.Dy()/2 {
		return nil
	}
	look := &Look{Area: damaged, nth: nth}
	for y := inner.Min.Y - bandEvery + v.turn%bandEvery; y < inner.Max.Y; y += bandEvery {
		band := image.Rect(inner.Min.X, y, inner.Max.X, y+bandRows).Intersect(inner)
		if !band.Empty() {
			look.Rects = append(look.Rects, band)
		}
	}
	look.bands = len(look.Rects)
	for _, r := range []image.Rectangle{
		{damaged.Min, image.Pt(damaged.Max.X, inner.Min.Y)},
		{image.Pt(damaged.Min.X, inner.Max.Y), damaged.Max},
		{image.Pt(damaged.Min.X, inner.Min.Y), image.Pt(inner.Min.X, inner.Max.Y)},
		{image.Pt(inner.Max.X, inner.Min.Y), image.Pt(damaged.Max.X, inner.Max.Y)},
	} {
		if !r.Empty() {
			look.Rects = append(look.Rects, r)
		}
	}
	return look
}

// widen makes a move as wide as the damage where that changes nothing, as on the
// empty half of a terminal: less is then looked at, and whole rows move.
func (e *Encoder) widen(v *move, damaged image.Rectangle) {
	for _, side := range []image.Rectangle{
		{image.Pt(damaged.Min.X, v.dst.Min.Y), image.Pt(v.dst.Min.X, v.dst.Max.Y)},
		{image.Pt(v.dst.Max.X, v.dst.Min.Y), image.Pt(damaged.Max.X, v.dst.Max.Y)},
	} {
		if !side.Empty() && !e.even(side, v.dy) {
			return
		}
	}
	v.dst.Min.X, v.dst.Max.X = damaged.Min.X, damaged.Max.X
}

// even says whether a place of what viewers show stays as it is when it moves.
func (e *Encoder) even(r image.Rectangle, dy int) bool {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		if !bytes.Equal(e.shown.row(y, r.Min.X, r.Max.X), e.shown.row(y-dy, r.Min.X, r.Max.X)) {
			return false
		}
	}
	return true
}

// goesOn says whether the bands of the look show that the scroll goes on. If
// not, it is not trusted with all of the picture either.
func (e *Encoder) goesOn(now *Picture) bool {
	v := &e.mover.found[e.ahead.nth]
	moved := false
	for _, band := range e.ahead.Rects[:e.ahead.bands] {
		for y := band.Min.Y; y < band.Max.Y; y++ {
			row := now.row(y, band.Min.X, band.Max.X)
			if !bytes.Equal(row, e.shown.row(y-v.dy, band.Min.X, band.Max.X)) {
				v.streak = 0
				return false
			}
			moved = moved || !bytes.Equal(row, e.shown.row(y, band.Min.X, band.Max.X))
		}
	}
	return moved
}
