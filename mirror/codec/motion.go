package codec

import (
	"image"
	"time"
)

// What counts as a region that keeps moving. The reasons are in
// docs/decisions/0007-video-where-it-moves.md.
const (
	window   = time.Second // in which changes are counted
	slots    = 8           // of the window
	busy     = 6           // changes in the window that make a tile move
	minTiles = 6           // in the box of a region: about 160×120 pixels
	minCost  = 2 << 10     // mean bytes that a change of its tiles cost
	cheap    = 512         // a tile that costs less is text, or moved, and never asked
	// A film of which so few pictures can be sent exactly that it does not look
	// busy is known by its cost. If it is no busier as video, it is none.
	slow     = 3       // changes in the window
	costly   = 8 << 10 // bytes of a change of one of its tiles
	tryAgain = 10 * time.Second

	minRest = 100 * time.Millisecond
	maxRest = 180 * time.Millisecond
	// A rectangle stays at least so long, as a new one costs a key frame.
	minStay = time.Second
)

// motion watches which tiles change, how often and at what cost, and chooses
// the rectangle that is sent as video. It also knows which tiles a viewer has
// only inexactly, and when they have rested long enough to be sent again.
type motion struct {
	size   image.Point // in tiles
	tiles  []movement
	rect   image.Rectangle // in tiles; empty without video
	chosen time.Time
	ended  time.Time // when video last turned out to be none
	slot   int64     // number of the present slot since the zero time
	seen   []bool
	stack  []int
}

// movement is what is known of a tile.
type movement struct {
	changes [slots]uint8
	count   int     // sum of changes
	cost    float32 // mean bytes of a change, sent exactly
	last    time.Time
	inexact bool
}

// begin forgets everything if the picture has another size.
func (m *motion) begin(size image.Point) {
	if m.size != size {
		*m = motion{size: size, tiles: make([]movement, size.X*size.Y), seen: make([]bool, size.X*size.Y)}
	}
}

// advance moves the window on to now.
func (m *motion) advance(now time.Time) {
	slot := now.UnixNano() / int64(window/slots)
	steps := min(slot-m.slot, slots)
	for s := range steps {
		at := (slot - s) % slots
		for i := range m.tiles {
			t := &m.tiles[i]
			t.count -= int(t.changes[at])
			t.changes[at] = 0
		}
	}
	m.slot = max(slot, m.slot)
}

// note counts some changes of tile i.
func (m *motion) note(now time.Time, i int, times uint8) {
	t := &m.tiles[i]
	at := &t.changes[m.slot%slots]
	times = min(max(times, 1), 255-*at)
	*at += times
	t.count += int(times)
	t.last = now
}

// paid notes what it cost to send tile i exactly, in bytes.
func (m *motion) paid(i, bytes int) {
	t := &m.tiles[i]
	t.cost += (float32(bytes) - t.cost) / 4
}

// moves says whether tile i may belong to a region that keeps moving: it
// changed often, and not only just now, as in the short animations of menus and
// windows. One that belongs to it already did so before; the key frame that it
// began with may have taken half the window on its way, without any change.
func (m *motion) moves(i int, slowly bool) bool {
	t, often := &m.tiles[i], busy
	if slowly {
		often = slow
	}
	if t.count < often || t.cost < cheap {
		return false
	}
	if image.Pt(i%m.size.X, i/m.size.X).In(m.rect) {
		return true
	}
	for s := m.slot - slots/2; s > m.slot-slots; s-- {
		if t.changes[s%slots] > 0 {
			return true
		}
	}
	return false
}

// choose gives the rectangle of tiles that is to be video from now on, or none.
func (m *motion) choose(now time.Time) image.Rectangle {
	m.advance(now)
	if !m.rect.Empty() && now.Sub(m.chosen) < minStay {
		return m.rect
	}
	best := m.best(false)
	switch {
	case !best.Empty() && (m.rect.Empty() || !alike(best, m.rect)):
		m.rect, m.chosen = best, now
	case best.Empty() && !m.rect.Empty():
		m.rect, m.ended = best, now
	case best.Empty() && now.Sub(m.ended) > tryAgain:
		m.rect, m.chosen = m.best(true), now
	}
	return m.rect
}

// alike says whether a rectangle is not worth being changed for another: it
// holds the other and is not much larger.
func alike(other, r image.Rectangle) bool {
	return other.In(r) && other.Dx()*other.Dy()*4 >= r.Dx()*r.Dy()*3
}

// best finds the region that would cost most to send exactly.
func (m *motion) best(slowly bool) (best image.Rectangle) {
	clear(m.seen)
	most := float32(0)
	for i := range m.tiles {
		if m.seen[i] || slowly && m.tiles[i].cost < costly || !m.moves(i, slowly) {
			continue
		}
		box, n, cost := m.region(i, slowly)
		if cost <= most || cost < float32(n*minCost) || box.Dx()*box.Dy() < minTiles || n*2 < box.Dx()*box.Dy() {
			continue
		}
		best, most = box, cost
	}
	return best
}

// region follows moving tiles from tile i and gives their box, their number and
// the sum of their costs.
func (m *motion) region(i int, slowly bool) (box image.Rectangle, n int, cost float32) {
	m.seen[i] = true
	m.stack = append(m.stack[:0], i)
	for len(m.stack) > 0 {
		at := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		x, y := at%m.size.X, at/m.size.X
		box = box.Union(image.Rect(x, y, x+1, y+1))
		n++
		cost += m.tiles[at].cost
		for y := max(0, y-1); y <= min(m.size.Y-1, at/m.size.X+1); y++ {
			for x := max(0, x-1); x <= min(m.size.X-1, at%m.size.X+1); x++ {
				if next := y*m.size.X + x; !m.seen[next] && m.moves(next, slowly) {
					m.seen[next] = true
					m.stack = append(m.stack, next)
				}
			}
		}
	}
	return box, n, cost
}

// leave ends the video: its tiles must keep moving anew before there is one.
func (m *motion) leave() {
	for y := m.rect.Min.Y; y < m.rect.Max.Y; y++ {
		for i := y*m.size.X + m.rect.Min.X; i < y*m.size.X+m.rect.Max.X; i++ {
			m.tiles[i].changes, m.tiles[i].count, m.tiles[i].cost = [slots]uint8{}, 0, 0
		}
	}
	m.rect = image.Rectangle{}
}

// rest is how long a tile must not change to count as resting: twice as long as
// it usually does not.
func (t *movement) rest() time.Duration {
	return min(max(2*window/time.Duration(max(t.count, 1)), minRest), maxRest)
}

// rested gives at most limit inexact tiles that rest.
func (m *motion) rested(now time.Time, limit int) (tiles []int) {
	for i := range m.tiles {
		if t := &m.tiles[i]; t.inexact && now.Sub(t.last) >= t.rest() && len(tiles) < limit {
			tiles = append(tiles, i)
		}
	}
	return tiles
}

// due says when rested will give a tile if nothing changes until then; false
// means never.
func (m *motion) due(now time.Time) (wait time.Duration, ok bool) {
	for i := range m.tiles {
		t := &m.tiles[i]
		if !t.inexact {
			continue
		}
		if left := max(0, t.rest()-now.Sub(t.last)); !ok || left < wait {
			wait, ok = left, true
		}
	}
	return wait, ok
}

// inexact says whether a viewer has a place of the picture, in pixels, only
// inexactly.
func (m *motion) inexact(r image.Rectangle) bool {
	if len(m.tiles) == 0 {
		return false
	}
	for y := r.Min.Y / tile; y <= (r.Max.Y-1)/tile; y++ {
		for x := r.Min.X / tile; x <= (r.Max.X-1)/tile; x++ {
			if m.tiles[y*m.size.X+x].inexact {
				return true
			}
		}
	}
	return false
}

// allExact notes that a viewer has everything exactly.
func (m *motion) allExact() {
	for i := range m.tiles {
		m.tiles[i].inexact = false
	}
}
