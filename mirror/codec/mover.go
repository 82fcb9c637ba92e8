package codec

import (
	"bytes"
	"image"
	"slices"
)

const (
	minStripe  = 4 // columns, where two windows meet
	minMoved   = 8 // changed rows that make a copy worth its 13 bytes
	minArea    = 256
	minRegion  = 24             // sides of a region in which a move is looked for
	maxAgain   = 8              // moves of frames before that are tried again
	maxJoining = 64             // moves back to which a new one may be joined
	maxWork    = workFactor / 2 // pictures that the moves of a frame may touch
	trusted    = 3              // frames after which a move is looked at in part only
	everyNth   = 4              // row of it, another one each time
)

// mover finds what moved up or down inside a region. It reads rows as long as
// it can, from one end to the other: memory is slow in any other order. Where
// only a part of the columns moved, it halves the columns, so that a scroll bar
// or a second window beside the text does not hide the scroll.
//
// Whatever it finds it makes in shown at once, row by row, after comparing the
// row, and the moves found, made one after the other, do the same to the viewer's
// picture. Only a move that goes on from frame to frame is trusted: a part of its
// rows is compared, so much that no letter escapes, each row is in turn within
// everyNth frames, and all of them once it rests. See
// docs/decisions/0011-a-scroll-that-goes-on-is-trusted.md.
type mover struct {
	found  []move                     // in this frame
	before []move                     // in frames before, newest first
	work   int                        // pixels that moves may still touch in this frame
	barred func(image.Rectangle) bool // places that nothing is copied from
	unsure Damage                     // where moves were trusted: not compared yet
	ballot ballot
}

type move struct {
	dst    image.Rectangle
	dy     int
	streak int // frames before in which it was the same
	turn   int // which rows are compared next if it is trusted
}

func (v move) src() image.Rectangle { return v.dst.Sub(image.Pt(0, v.dy)) }

// begin starts a frame of a picture.
func (m *mover) begin(bounds image.Rectangle) {
	m.before = append(m.found, m.before...)
	m.before = m.before[:min(len(m.before), maxAgain)]
	m.found = nil
	m.work = maxWork * bounds.Dx() * bounds.Dy()
	m.unsure.SetSize(bounds.Dx(), bounds.Dy())
	m.unsure.Clear()
}

// again looks where something moved before, as a scroll goes on. It asks for no
// comparison of the pictures and so is the fast way. A place is remembered until
// it changes in another way.
func (m *mover) again(now, shown *Picture, g *grid, sure bool) {
	m.gather(g)
	m.before = slices.DeleteFunc(m.before, func(last move) bool {
		area := last.dst.Union(last.src())
		if m.barred != nil && m.barred(area) {
			return true
		}
		if !g.allMarked(last.dst) || sample(now, shown, area, last.dy) == same {
			return false
		}
		if !sure && m.trust(now, shown, last) {
			return true
		}
		if dy := guess(now, shown, area, last.dy); dy != 0 {
			first := len(m.found)
			m.follow(now, shown, area, dy, area.Dx())
			m.count(m.found[first:], last)
		}
		return true
	})
}

// count notes that a move found now was the same in the frame before.
func (m *mover) count(found []move, last move) {
	if len(found) == 1 && found[0].dst == last.dst && found[0].dy == last.dy {
		found[0].streak = last.streak + 1
	}
}

// trust makes a move that goes on as before, if the rows whose turn it is say
// so. The turn is the content's: what was compared now is not compared next.
func (m *mover) trust(now, shown *Picture, v move) bool {
	if v.streak < trusted || m.work < v.dst.Dx()*v.dst.Dy() {
		return false
	}
	r := v.dst
	for y := r.Min.Y + v.turn%everyNth; y < r.Max.Y; y += everyNth {
		if !bytes.Equal(now.row(y, r.Min.X, r.Max.X), shown.row(y-v.dy, r.Min.X, r.Max.X)) {
			return false
		}
	}
	m.make(shown, v, 1)
	return true
}

// goOn makes a move of the frame before once more.
func (m *mover) goOn(shown *Picture, nth int) {
	v := m.before[nth]
	m.before = slices.Delete(m.before, nth, nth+1)
	m.make(shown, v, bandRows)
}

// make makes a move that is trusted, of which so many rows in turn were compared.
func (m *mover) make(shown *Picture, v move, rows int) {
	r := v.dst
	shown.Move(r.Min, v.src().Min, r.Dx(), r.Dy())
	v.turn = ((v.turn+v.dy+rows)%bandEvery + bandEvery) % bandEvery
	m.work -= r.Dx() * r.Dy()
	m.found = append(m.found, v)
	m.unsure.Add(r)
}

// gather makes moves of one distance one again that a frame had torn apart, if
// all between them is marked too: else they, and the gaps between them, would
// stay apart as long as the scroll goes on.
func (m *mover) gather(g *grid) {
	for i := 0; i < len(m.before); i++ {
		for j := len(m.before) - 1; j > i; j-- {
			one := &m.before[i]
			both := one.dst.Union(m.before[j].dst)
			if one.dy == m.before[j].dy && !one.dst.Overlaps(m.before[j].dst) && g.allMarked(both) {
				one.dst = both
				m.before = slices.Delete(m.before, j, j+1)
			}
		}
	}
}

// find looks for moves in a region and says whether there was one.
func (m *mover) find(now, shown *Picture, region image.Rectangle) bool {
	if region.Dx() < minRegion || region.Dy() < minRegion {
		return false
	}
	// What stood still at the edges belongs to what moved and may change next.
	region = tiles(region).Intersect(now.Bounds())
	if m.barred != nil && m.barred(region) {
		return false
	}
	first := len(m.found)
	for range 2 { // two windows may scroll by two distances
		dy := m.ballot.distance(now, shown, region)
		n := len(m.found)
		if dy == 0 {
			break
		}
		if m.follow(now, shown, region, dy, minStripe); len(m.found) == n {
			break
		}
	}
	return len(m.found) > first
}

// tiles gives the bounds of the tiles that touch r.
func tiles(r image.Rectangle) image.Rectangle {
	t := touched(r)
	return image.Rectangle{t.Min.Mul(tile), t.Max.Mul(tile)}
}

// follow makes the moves by dy inside an area, down to pieces of minWidth
// columns.
func (m *mover) follow(now, shown *Picture, area image.Rectangle, dy, minWidth int) {
	f := follower{m, now, shown, area, dy, minWidth}
	f.follow(area)
}

// note adds a move, or joins it to one at its left. Moves keep to their columns,
// so those of different columns may change places.
func (m *mover) note(v move) {
	m.work -= v.dst.Dx() * v.dst.Dy()
	for i := len(m.found) - 1; i >= max(0, len(m.found)-maxJoining); i-- {
		f := &m.found[i]
		if f.dy == v.dy && f.dst.Max.X == v.dst.Min.X && f.dst.Min.Y == v.dst.Min.Y && f.dst.Max.Y == v.dst.Max.Y {
			f.dst.Max.X = v.dst.Max.X
			return
		}
		if f.dst.Min.X < v.dst.Max.X && v.dst.Min.X < f.dst.Max.X {
			break
		}
	}
	m.found = append(m.found, v)
}
