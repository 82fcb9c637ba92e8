package codec

import (
	"bytes"
	"hash/maphash"
	"image"
)

const (
	stripe    = 64 // columns that are followed together at first
	minStripe = 4  // and at last, where two windows meet
	minMoved  = 8  // changed rows that make a copy worth its 13 bytes
	minArea   = 256
	minRegion = 24 // sides of a region in which a move is looked for
	voters    = 4  // stripes that are asked for the distance
)

var seed = maphash.MakeSeed()

// mover finds what moved up or down inside a region. Columns are followed in
// stripes, so that a scroll bar or a second window beside the text does not
// hide the scroll.
type mover struct {
	rows  map[uint64]int // hash of a row of shown → its place, -1 for several
	votes []int
	found []move

	runs   []image.Rectangle // of the stripe under way
	missed int
}

type move struct {
	dst image.Rectangle
	dy  int
}

// find calls emit for each move in the region, after making it in shown, and
// says whether there was one.
func (m *mover) find(now, shown *Picture, region image.Rectangle, emit func(image.Rectangle, image.Point)) bool {
	if region.Dx() < minRegion || region.Dy() < minRegion {
		return false
	}
	m.found = m.found[:0]
	for range 2 { // two windows may scroll by two distances
		dy := m.distance(now, shown, region)
		if dy == 0 {
			break
		}
		before := len(m.found)
		m.follow(now, shown, region, dy)
		if len(m.found) == before {
			break
		}
	}
	for _, f := range m.found {
		emit(f.dst, image.Pt(f.dst.Min.X, f.dst.Min.Y-f.dy))
	}
	return len(m.found) > 0
}

// distance asks some stripes how far their rows moved and gives the answer of
// most, or 0.
func (m *mover) distance(now, shown *Picture, r image.Rectangle) int {
	m.votes = append(m.votes[:0], make([]int, 2*r.Dy()+1)...)
	n := (r.Dx() + stripe - 1) / stripe
	for i := range min(n, voters) {
		x := r.Min.X + (i*n/min(n, voters))*stripe
		m.vote(now, shown, image.Rect(x, r.Min.Y, min(x+stripe, r.Max.X), r.Max.Y))
	}
	best := 0
	for i, v := range m.votes {
		if v > m.votes[best] {
			best = i
		}
	}
	if m.votes[best] < minMoved {
		return 0
	}
	return best - r.Dy()
}

func (m *mover) vote(now, shown *Picture, r image.Rectangle) {
	if m.rows == nil {
		m.rows = map[uint64]int{}
	}
	clear(m.rows)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		h := maphash.Bytes(seed, shown.row(y, r.Min.X, r.Max.X))
		if _, twice := m.rows[h]; twice {
			m.rows[h] = -1
		} else {
			m.rows[h] = y
		}
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := now.row(y, r.Min.X, r.Max.X)
		if bytes.Equal(row, shown.row(y, r.Min.X, r.Max.X)) {
			continue
		}
		if from, ok := m.rows[maphash.Bytes(seed, row)]; ok && from >= 0 {
			m.votes[y-from+r.Dy()]++
		}
	}
}

// follow makes the moves by dy, stripe by stripe.
func (m *mover) follow(now, shown *Picture, r image.Rectangle, dy int) {
	next := len(m.found)
	for x := r.Min.X; x < r.Max.X; x += stripe {
		m.followStripe(now, shown, image.Rect(x, r.Min.Y, min(x+stripe, r.Max.X), r.Max.Y), dy, next)
	}
}

// followStripe makes the moves of a stripe, or of its halves if much of it
// changed in another way.
func (m *mover) followStripe(now, shown *Picture, s image.Rectangle, dy, next int) {
	m.runs, m.missed = m.runs[:0], 0
	m.collect(now, shown, s, dy)
	if w := s.Dx() / 2; m.missed > max(minMoved, abs(dy)) && w >= minStripe {
		left, right := s, s
		left.Max.X, right.Min.X = s.Min.X+w, s.Min.X+w
		m.followStripe(now, shown, left, dy, next)
		m.followStripe(now, shown, right, dy, next)
		return
	}
	first := next
	for _, run := range m.runs {
		shown.Move(run.Min, image.Pt(run.Min.X, run.Min.Y-dy), run.Dx(), run.Dy())
		first = m.note(run, dy, first)
	}
}

// note adds a move, or widens one of the stripe at its left from index first
// on. It returns the first index that a later run of this stripe may widen:
// runs of a stripe must keep their order.
func (m *mover) note(run image.Rectangle, dy, first int) int {
	for i := first; i < len(m.found); i++ {
		f := &m.found[i].dst
		if f.Max.X == run.Min.X && f.Min.Y == run.Min.Y && f.Max.Y == run.Max.Y {
			f.Max.X = run.Max.X
			return i + 1
		}
	}
	m.found = append(m.found, move{run, dy})
	return len(m.found)
}

// collect fills m.runs with the longest runs of rows of a stripe that are what
// shown has dy rows above, and that changed, and m.missed with the number of
// changed rows outside of them. The runs come in the order in which they can be
// copied one after the other: against the direction of the move.
func (m *mover) collect(now, shown *Picture, s image.Rectangle, dy int) {
	y, end, step := s.Min.Y, s.Max.Y, 1
	if dy > 0 {
		y, end, step = s.Max.Y-1, s.Min.Y-1, -1
	}
	run := run{}
	for ; y != end; y += step {
		row := now.row(y, s.Min.X, s.Max.X)
		wrong := !bytes.Equal(row, shown.row(y, s.Min.X, s.Max.X))
		moved := y-dy >= s.Min.Y && y-dy < s.Max.Y && bytes.Equal(row, shown.row(y-dy, s.Min.X, s.Max.X))
		switch {
		case moved && wrong:
			run.add(y)
		case !moved:
			m.flush(s, &run)
			if wrong {
				m.missed++
			}
		}
	}
	m.flush(s, &run)
}

// run is rows that moved together; those at its ends changed.
type run struct{ first, last, changed int }

func (r *run) add(y int) {
	if r.changed == 0 {
		r.first = y
	}
	r.last = y
	r.changed++
}

// flush ends a run, which counts only if a copy of it is worth while.
func (m *mover) flush(s image.Rectangle, r *run) {
	switch {
	case r.changed < minMoved || r.changed*s.Dx() < minArea:
		m.missed += r.changed
	default:
		m.runs = append(m.runs, image.Rect(s.Min.X, min(r.first, r.last), s.Max.X, max(r.first, r.last)+1))
	}
	r.changed = 0
}
