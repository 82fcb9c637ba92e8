package codec

import "image"

// tile is the side of the squares in which damage is counted and pixels are
// compared.
const tile = 64

// Damage says which places of a picture may have changed since a viewer last
// got a frame, to the tile. However much is added, it stays as small as the
// picture's tiles are few. It counts, too, how often each place changed: a
// viewer that takes few frames must still know what moves. The zero value is
// empty; SetSize comes first.
type Damage struct {
	size  image.Point
	tiles image.Rectangle
	marks []mark
	turn  uint32
	any   bool
}

// mark is how often a tile was damaged, and in which turn last.
type mark struct {
	times uint8
	turn  uint32
}

// SetSize is the picture's size. A new size empties the damage.
func (d *Damage) SetSize(width, height int) {
	if d.size == image.Pt(width, height) {
		return
	}
	d.size = image.Pt(width, height)
	d.tiles = image.Rect(0, 0, (width+tile-1)/tile, (height+tile-1)/tile)
	d.marks = make([]mark, d.tiles.Dx()*d.tiles.Dy())
	d.any = false
}

// Add notes that r may have changed; what lies outside is left out.
func (d *Damage) Add(r image.Rectangle) {
	r = r.Intersect(image.Rectangle{Max: d.size})
	if r.Empty() {
		return
	}
	d.any = true
	for y := r.Min.Y / tile; y <= (r.Max.Y-1)/tile; y++ {
		row := d.marks[y*d.tiles.Dx():]
		for x := r.Min.X / tile; x <= (r.Max.X-1)/tile; x++ {
			if m := &row[x]; m.times == 0 || m.turn != d.turn && m.times < 255 {
				m.times++
				m.turn = d.turn
			}
		}
	}
}

// Turn says that what is added from now on is another change.
func (d *Damage) Turn() { d.turn++ }

// Set makes d the same as another.
func (d *Damage) Set(other *Damage) {
	d.SetSize(other.size.X, other.size.Y)
	copy(d.marks, other.marks)
	d.any = other.any
}

// Join adds what another has of the same size.
func (d *Damage) Join(other *Damage) {
	if d.size != other.size {
		d.Set(other)
		return
	}
	for i, m := range other.marks {
		d.marks[i].times += min(m.times, 255-d.marks[i].times)
	}
	d.any = d.any || other.any
}

// in says whether all of it lies in r, which ends where tiles do.
func (d *Damage) in(r image.Rectangle) bool {
	if !d.any {
		return true
	}
	for i, m := range d.marks {
		x, y := i%d.tiles.Dx()*tile, i/d.tiles.Dx()*tile
		if m.times > 0 && !image.Pt(x, y).In(r) {
			return false
		}
	}
	return true
}

// Empty says whether nothing was added.
func (d *Damage) Empty() bool { return !d.any }

// Clear forgets what was added.
func (d *Damage) Clear() {
	if d.any {
		clear(d.marks)
		d.any = false
	}
}
