package codec

import (
	"bytes"
	"hash/maphash"
	"image"
)

const (
	stripe  = 64 // columns that are asked together
	voters  = 4  // stripes that are asked for the distance
	samples = 16 // rows that a guess must convince
)

var seed = maphash.MakeSeed()

// ballot finds by how many rows something moved.
type ballot struct {
	rows  map[uint64]int // hash of a row of shown → its place, -1 for several
	votes []int
}

// distance asks some stripes of r how far their rows moved and gives the answer
// of most, or 0.
func (b *ballot) distance(now, shown *Picture, r image.Rectangle) int {
	b.votes = append(b.votes[:0], make([]int, 2*r.Dy()+1)...)
	n := (r.Dx() + stripe - 1) / stripe
	for i := range min(n, voters) {
		x := r.Min.X + (i*n/min(n, voters))*stripe
		b.vote(now, shown, image.Rect(x, r.Min.Y, min(x+stripe, r.Max.X), r.Max.Y))
	}
	best := 0
	for i, v := range b.votes {
		if v > b.votes[best] {
			best = i
		}
	}
	if b.votes[best] < minMoved {
		return 0
	}
	return best - r.Dy()
}

func (b *ballot) vote(now, shown *Picture, r image.Rectangle) {
	if b.rows == nil {
		b.rows = map[uint64]int{}
	}
	clear(b.rows)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		h := maphash.Bytes(seed, shown.row(y, r.Min.X, r.Max.X))
		if _, twice := b.rows[h]; twice {
			b.rows[h] = -1
		} else {
			b.rows[h] = y
		}
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := now.row(y, r.Min.X, r.Max.X)
		if bytes.Equal(row, shown.row(y, r.Min.X, r.Max.X)) {
			continue
		}
		if from, ok := b.rows[maphash.Bytes(seed, row)]; ok && from >= 0 {
			b.votes[y-from+r.Dy()]++
		}
	}
}

// guess says by how many rows the whole width of r moved, or 0, where a move
// is expected: it looks for a few rows of now in shown, and first as far away
// as the last time.
func guess(now, shown *Picture, r image.Rectangle, last int) int {
	if sample(now, shown, r, last) == moved {
		return last
	}
	for quarter := 1; quarter < 4; quarter++ {
		y := r.Min.Y + r.Dy()*quarter/4
		row := now.row(y, r.Min.X, r.Max.X)
		if bytes.Equal(row, shown.row(y, r.Min.X, r.Max.X)) {
			continue
		}
		for dy := 1; dy < r.Dy(); dy++ {
			for _, dy := range [2]int{dy, -dy} {
				if from := y - dy; from >= r.Min.Y && from < r.Max.Y &&
					bytes.Equal(row, shown.row(from, r.Min.X, r.Max.X)) && sample(now, shown, r, dy) == moved {
					return dy
				}
			}
		}
	}
	return 0
}

// verdict is what some rows say of a rectangle.
type verdict int

const (
	same    verdict = iota // none of them changed
	moved                  // most of those that changed moved
	changed                // they did not
)

// sample asks a few rows of r whether they moved by dy.
func sample(now, shown *Picture, r image.Rectangle, dy int) verdict {
	yes, no := 0, 0
	for i := range samples {
		y := r.Min.Y + r.Dy()*(2*i+1)/(2*samples)
		row := now.row(y, r.Min.X, r.Max.X)
		switch {
		case y-dy < r.Min.Y || y-dy >= r.Max.Y || bytes.Equal(row, shown.row(y, r.Min.X, r.Max.X)):
		case bytes.Equal(row, shown.row(y-dy, r.Min.X, r.Max.X)):
			yes++
		default:
			no++
		}
	}
	switch {
	case yes > no:
		return moved
	case no > 0:
		return changed
	}
	return same
}
