package codec

import (
	"bytes"
	"image"
	"iter"
	"slices"
)

// grid is the picture in tiles: which are to be compared, and what changed in
// each.
type grid struct {
	bounds  image.Rectangle   // the picture
	w, h    int               // in tiles
	marked  []bool            // by tile: to be compared
	times   []uint8           // by tile: how often it was damaged
	changed []image.Rectangle // by tile: the changed place, or empty
	stale   []bool            // by tile: padding bytes differ
	seen    []bool            // scratch of regions
	stack   []int
}

// begin forgets the frame before.
func (g *grid) begin(bounds image.Rectangle) {
	if g.bounds == bounds {
		clear(g.marked)
		clear(g.times)
		clear(g.changed)
		clear(g.stale)
		return
	}
	g.bounds = bounds
	g.w, g.h = (bounds.Dx()+tile-1)/tile, (bounds.Dy()+tile-1)/tile
	g.marked = make([]bool, g.w*g.h)
	g.times = make([]uint8, g.w*g.h)
	g.changed = make([]image.Rectangle, g.w*g.h)
	g.stale = make([]bool, g.w*g.h)
	g.seen = make([]bool, g.w*g.h)
}

func (g *grid) tile(i int) image.Rectangle {
	x, y := i%g.w*tile, i/g.w*tile
	return image.Rect(x, y, x+tile, y+tile).Intersect(g.bounds)
}

// allMarked says whether every tile that touches r is marked.
func (g *grid) allMarked(r image.Rectangle) bool {
	t := touched(r)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		if slices.Contains(g.marked[y*g.w+t.Min.X:y*g.w+t.Max.X], false) {
			return false
		}
	}
	return true
}

// unmark takes out the tiles inside r, in which the pictures are known to be
// equal.
func (g *grid) unmark(r image.Rectangle) {
	t := touched(r)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		for i := y*g.w + t.Min.X; i < y*g.w+t.Max.X; i++ {
			g.marked[i] = g.marked[i] && !g.tile(i).In(r)
		}
	}
}

// inner gives the tiles inside r, as one rectangle.
func (g *grid) inner(r image.Rectangle) image.Rectangle {
	in := image.Rect((r.Min.X+tile-1)/tile*tile, (r.Min.Y+tile-1)/tile*tile, r.Max.X/tile*tile, r.Max.Y/tile*tile)
	if r.Max.X == g.bounds.Max.X {
		in.Max.X = r.Max.X
	}
	if r.Max.Y == g.bounds.Max.Y {
		in.Max.Y = r.Max.Y
	}
	if in.Min.X >= in.Max.X || in.Min.Y >= in.Max.Y {
		return image.Rectangle{}
	}
	return in
}

// bounding gives the bounds of the marked tiles.
func (g *grid) bounding() (r image.Rectangle) {
	for i, is := range g.marked {
		if is {
			r = r.Union(g.tile(i))
		}
	}
	return r
}

// mark marks the damaged tiles too, or with nil all.
func (g *grid) mark(d *Damage) {
	for i := range g.marked {
		switch {
		case d == nil:
			g.times[i] = max(g.times[i], 1)
		case d.any:
			g.times[i] = max(g.times[i], d.marks[i].times)
		}
		g.marked[i] = g.times[i] > 0
	}
}

// once counts what was damaged as changed once.
func (g *grid) once() {
	for i := range g.times {
		g.times[i] = min(g.times[i], 1)
	}
}

// compare finds what changed in the marked tiles that touch an area.
func (g *grid) compare(now, shown *Picture, area image.Rectangle) {
	t := touched(area)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		row := g.marked[y*g.w : (y+1)*g.w]
		for x := t.Min.X; x < t.Max.X; x++ {
			from := x
			for x < t.Max.X && row[x] {
				x++
			}
			if x > from {
				g.compareTiles(now, shown, y*g.w+from, y*g.w+x)
			}
		}
	}
}

// compareTiles does so in tiles i to j of one row of tiles, row by row of
// pixels, as memory is slow in any other order.
func (g *grid) compareTiles(now, shown *Picture, i, j int) {
	clear(g.changed[i:j])
	r := g.tile(i).Union(g.tile(j - 1))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		p, q := now.row(y, r.Min.X, r.Max.X), shown.row(y, r.Min.X, r.Max.X)
		if bytes.Equal(p, q) {
			continue
		}
		for n := i; n < j; n++ {
			at := (n - i) * tile * 4
			end := min(at+tile*4, len(p))
			if bytes.Equal(p[at:end], q[at:end]) {
				continue
			}
			if sameRow(p[at:end], q[at:end]) {
				g.stale[n] = true
				continue
			}
			grow(&g.changed[n], pixels(p[at:end]), pixels(q[at:end]), r.Min.X+(n-i)*tile, y)
		}
	}
}

// regions gives the bounds of what changed in tiles that touch each other.
func (g *grid) regions() []image.Rectangle {
	var out []image.Rectangle
	clear(g.seen)
	for i, r := range g.changed {
		if r.Empty() || g.seen[i] {
			continue
		}
		out = append(out, g.region(i))
	}
	return out
}

// region follows changed tiles from tile i.
func (g *grid) region(i int) image.Rectangle {
	bounds := g.changed[i]
	g.seen[i] = true
	g.stack = append(g.stack[:0], i)
	for len(g.stack) > 0 {
		at := g.stack[len(g.stack)-1]
		g.stack = g.stack[:len(g.stack)-1]
		bounds = bounds.Union(g.changed[at])
		for y := max(0, at/g.w-1); y <= min(g.h-1, at/g.w+1); y++ {
			for x := max(0, at%g.w-1); x <= min(g.w-1, at%g.w+1); x++ {
				if n := y*g.w + x; !g.seen[n] && !g.changed[n].Empty() {
					g.seen[n] = true
					g.stack = append(g.stack, n)
				}
			}
		}
	}
	return bounds
}

// spans gives the rectangles to send: neighbours in a row of tiles that take
// the same number of bits a pixel go together, which saves headers and lets the
// compressor see whole lines of text. c holds the colours of what it gives.
func (g *grid) spans(now *Picture, c *colours) iter.Seq[image.Rectangle] {
	return func(yield func(image.Rectangle) bool) {
		for row := range g.h {
			var span image.Rectangle
			for _, r := range g.changed[row*g.w : (row+1)*g.w] {
				if r.Empty() {
					continue
				}
				if joined, ok := join(now, c, span, r); ok {
					span = joined
					continue
				}
				if !span.Empty() && !yield(span) {
					return
				}
				span = r
				c.count(now, r)
			}
			if !span.Empty() && !yield(span) {
				return
			}
		}
	}
}

// bitsOf is indexBits, with 0 for one colour and 24 for too many.
func bitsOf(n int) int {
	switch n {
	case 0:
		return 24
	case 1:
		return 0
	}
	return indexBits(n)
}

// join says whether r may go with the span at its left, whose colours c holds,
// and adds its colours then.
func join(now *Picture, c *colours, span, r image.Rectangle) (image.Rectangle, bool) {
	const slack = 8 // rows and columns that may be sent in vain
	if span.Empty() || c.n == 0 || r.Min.X-span.Max.X > slack ||
		abs(r.Min.Y-span.Min.Y) > slack || abs(r.Max.Y-span.Max.Y) > slack {
		return span, false
	}
	n := c.n
	joined := span.Union(r)
	right, above, below := joined, span, span
	right.Min.X = span.Max.X
	above.Min.Y, above.Max.Y = joined.Min.Y, span.Min.Y
	below.Min.Y, below.Max.Y = span.Max.Y, joined.Max.Y
	if c.add(now, right) && c.add(now, above) && c.add(now, below) && bitsOf(c.n) == bitsOf(n) {
		return joined, true
	}
	c.n = n // what came after is void
	return span, false
}

func abs(n int) int { return max(n, -n) }
