package codec

import (
	"bytes"
	"image"
)

// follower makes the moves of one distance in one area.
type follower struct {
	mover      *mover
	now, shown *Picture
	area       image.Rectangle // rows come from inside it
	dy         int
	minWidth   int
}

// follow makes the moves inside s. Rows are read against the direction of the
// move, so that the source of each is still there. A run of moved rows counts
// once enough of them changed; the gap before it is then tried in halves, and
// only after that the run is made, as the gap's sources may lie in it.
func (f *follower) follow(s image.Rectangle) {
	if f.mover.work < s.Dx()*s.Dy() {
		return
	}
	enough := max(minMoved, minArea/s.Dx())
	y, end, step := s.Min.Y, s.Max.Y, 1
	if f.dy > 0 {
		y, end, step = s.Max.Y-1, s.Min.Y-1, -1
	}
	gap, run := y, y      // where the two begin
	missed, moved := 0, 0 // how many of their rows changed
	for ; y != end; y += step {
		switch is, wrong := f.look(s, y); {
		case is && !wrong: // the run goes on
		case is:
			if moved++; moved == enough {
				f.halves(rows(s, gap, run), missed)
				f.shown.take(f.now, rows(s, run, y))
			}
			if moved >= enough {
				f.shown.take(f.now, rows(s, y, y+step))
			}
		default:
			if moved >= enough {
				f.mover.note(move{dst: rows(s, run, y), dy: f.dy})
				gap, missed, moved = y, 0, 0
			}
			missed += moved
			if wrong {
				missed++
			}
			run, moved = y+step, 0
		}
	}
	if moved >= enough {
		f.mover.note(move{dst: rows(s, run, end), dy: f.dy})
		return
	}
	f.halves(rows(s, gap, end), missed+moved)
}

// look says whether row y of s is what was dy rows above, and whether it changed
// at all. Rows that came from outside of the area are new.
func (f *follower) look(s image.Rectangle, y int) (moved, changed bool) {
	from := y - f.dy
	if from < f.area.Min.Y || from >= f.area.Max.Y {
		return false, false
	}
	row := f.now.row(y, s.Min.X, s.Max.X)
	moved = bytes.Equal(row, f.shown.row(from, s.Min.X, s.Max.X))
	return moved, !bytes.Equal(row, f.shown.row(y, s.Min.X, s.Max.X))
}

// rows is s from row a up to row b, or down to it, without b.
func rows(s image.Rectangle, a, b int) image.Rectangle {
	if a > b {
		a, b = b+1, a+1
	}
	return image.Rect(s.Min.X, a, s.Max.X, b)
}

// halves follows both halves of the columns of a gap where enough rows were
// missed.
func (f *follower) halves(s image.Rectangle, missed int) {
	w := s.Dx() / 2
	if missed < minMoved || w < f.minWidth {
		return
	}
	left, right := s, s
	left.Max.X, right.Min.X = s.Min.X+w, s.Min.X+w
	f.follow(left)
	f.follow(right)
}
