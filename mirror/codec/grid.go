package codec

import (
	"image"
	"iter"
)

// grid is the picture in tiles: which are to be compared, and what changed in
// each.
type grid struct {
	bounds  image.Rectangle   // the picture
	w, h    int               // in tiles
	marked  []image.Rectangle // tiles to compare
	changed []image.Rectangle // by tile: the changed place, or empty
	seen    []bool            // scratch of regions and spans
	stack   []int
}

func (g *grid) size(bounds image.Rectangle) {
	g.marked = g.marked[:0]
	if g.bounds == bounds {
		clear(g.changed)
		return
	}
	g.bounds = bounds
	g.w, g.h = (bounds.Dx()+tile-1)/tile, (bounds.Dy()+tile-1)/tile
	g.changed = make([]image.Rectangle, g.w*g.h)
	g.seen = make([]bool, g.w*g.h)
}

func (g *grid) tile(i int) image.Rectangle {
	x, y := i%g.w*tile, i/g.w*tile
	return image.Rect(x, y, x+tile, y+tile).Intersect(g.bounds)
}

// all marks every tile.
func (g *grid) all(bounds image.Rectangle) {
	g.size(bounds)
	for i := range g.changed {
		g.marked = append(g.marked, g.tile(i))
	}
}

// damaged marks the damaged tiles.
func (g *grid) damaged(d *Damage) {
	g.size(image.Rectangle{Max: d.size})
	for i, is := range d.marks {
		if is {
			g.marked = append(g.marked, g.tile(i))
		}
	}
}

// compare finds what changed in the marked tiles.
func (g *grid) compare(now, shown *Picture) { g.compareIn(now, shown, g.bounds) }

// compareIn does so again in the marked tiles that touch an area.
func (g *grid) compareIn(now, shown *Picture, area image.Rectangle) {
	for _, r := range g.marked {
		if r.Overlaps(area) {
			g.changed[r.Min.Y/tile*g.w+r.Min.X/tile] = changed(now, shown, r)
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
// compressor see whole lines of text.
func (g *grid) spans(now *Picture, c *colours) iter.Seq[image.Rectangle] {
	return func(yield func(image.Rectangle) bool) {
		for row := range g.h {
			var span image.Rectangle
			bits := 0
			for _, r := range g.changed[row*g.w : (row+1)*g.w] {
				if r.Empty() {
					continue
				}
				if joined, ok := join(now, c, span, r, bits); ok {
					span = joined
					continue
				}
				if !span.Empty() && !yield(span) {
					return
				}
				span, bits = r, bitsOf(c.count(now, r))
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

// join says whether r may go with the span at its left, whose colours c holds
// and which takes bits a pixel. If not, c is of no use until the next count.
func join(now *Picture, c *colours, span, r image.Rectangle, bits int) (image.Rectangle, bool) {
	const slack = 8 // rows and columns that may be sent in vain
	if span.Empty() || bits == 24 || r.Min.X-span.Max.X > slack ||
		abs(r.Min.Y-span.Min.Y) > slack || abs(r.Max.Y-span.Max.Y) > slack {
		return span, false
	}
	return span.Union(r), c.add(now, r) && bitsOf(c.n) == bits
}

func abs(n int) int { return max(n, -n) }
