package codec

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"image"
	"runtime"
	"time"

	"hither/mirror/yuv"
)

// Able is what all viewers of an encoder take beyond tiles.
type Able int

// What viewers take.
const (
	Tiles    Able = iota // nothing
	Video                // VP9 of 4:2:0
	VideoAll             // and of 4:4:4
)

const (
	// fewest is the part of a region's tiles, one in so many, that must change
	// for video: less is sent exactly.
	fewest = 8
	// scrolls is how often, in frames, a region is asked whether it scrolls.
	scrolls = 8
)

// camera makes video of the region that keeps moving. Its places in shown hold
// what was filmed last, which a viewer has only inexactly: so a change is found
// as everywhere else, but nothing may be copied from there, and it must be sent
// whole once it rests.
type camera struct {
	able    Able
	clock   func() time.Time
	motion  motion
	pace    pace
	lens    lens
	broken  error           // why no encoder could be opened
	aimed   bool            // the lens is held for a film
	rolling bool            // a stream is under way
	filmed  image.Point     // the size of the region in it
	tiles   image.Rectangle // the region in tiles
	rect    image.Rectangle // and in pixels: what really changes
	spills  int             // changes in its tiles beside it
	best    quality
	frames  int // of this region
	whole   *yuv.Image
	small   *yuv.Image
	mask    []byte
	ballot  ballot
}

func (c *camera) now() time.Time {
	if c.clock != nil {
		return c.clock()
	}
	return time.Now()
}

// cut ends the stream: the next video begins with a key frame.
func (c *camera) cut() {
	if c.aimed {
		c.aimed, c.rolling = false, false
		c.lens.rest()
	}
}

// restart goes with a key frame, after which everything is exact.
func (c *camera) restart(g *grid) {
	c.motion.begin(image.Pt(g.w, g.h))
	c.motion.allExact()
	c.cut()
}

// follow begins with the viewers of another camera: what they have inexactly
// must be sent again.
func (c *camera) follow(other *camera) {
	c.able = other.able
	c.motion.begin(other.motion.size)
	for i, t := range other.motion.tiles {
		c.motion.tiles[i].inexact, c.motion.tiles[i].last = t.inexact, t.last
	}
}

// exact says that no video is under way and viewers have nothing inexactly.
func (c *camera) exact() bool {
	for i := range c.motion.tiles {
		if c.motion.tiles[i].inexact {
			return false
		}
	}
	return !c.rolling
}

// due says when a frame is to be made although nothing changes.
func (c *camera) due() (time.Duration, bool) { return c.motion.due(c.now()) }

// waits says that something came to rest and is to be sent exactly.
func (c *camera) waits() bool {
	wait, ok := c.due()
	return ok && wait == 0
}

// off says that no video is made and everything is exact.
func (c *camera) off() bool { return c.able == Tiles || c.broken != nil }

// film chooses the region and takes its tiles that changed out of the grid. It
// appends the operation that shows them.
func (c *camera) film(ops []byte, now, shown *Picture, g *grid) ([]byte, error) {
	if c.off() {
		c.cut()
		return ops, nil
	}
	tiles := c.motion.choose(c.now())
	if tiles.Empty() {
		c.tiles = tiles
		c.cut()
		return ops, nil
	}
	if tiles != c.tiles || c.spills >= busy {
		if !c.look(tiles, now, shown, g) {
			return ops, nil
		}
	}
	if c.frames++; c.frames%scrolls == 0 && c.scrolled(now, shown, g) {
		c.motion.leave()
		return ops, nil
	}
	if !c.aim() || !c.take(now, shown, g) {
		return ops, nil
	}
	return c.shoot(ops, now)
}

// leastFilmed is the least side of what is filmed, in pixels. (libvpx, made smaller
// than it was opened for, never comes back from a picture of two lines.)
const leastFilmed = 48

// look judges a new region by what changed in it just now: that gives its
// bounds, so that text beside a film stays exact, and how sharp it is decides
// how good its colours must be. Without a change it is judged later.
func (c *camera) look(tiles image.Rectangle, now, shown *Picture, g *grid) bool {
	area := image.Rectangle{tiles.Min.Mul(tile), tiles.Max.Mul(tile)}.Intersect(now.Bounds())
	g.compare(now, shown, area)
	r := image.Rectangle{}
	if tiles == c.tiles {
		r = c.rect
	}
	for y := tiles.Min.Y; y < tiles.Max.Y; y++ {
		for _, changed := range g.changed[y*g.w+tiles.Min.X : y*g.w+tiles.Max.X] {
			r = r.Union(changed)
		}
	}
	if r.Dx() < leastFilmed || r.Dy() < leastFilmed {
		return false
	}
	r.Min.X, r.Min.Y = r.Min.X&^1, r.Min.Y&^1 // where a sample of colour begins
	c.tiles, c.rect, c.frames, c.spills, c.best = touched(r), r, 0, 0, whole
	c.motion.rect = c.tiles
	if c.able == VideoAll && sharp(now, r) {
		c.best = sharpest
	}
	c.pace.begin(r.Size(), c.best, c.lens.limit)
	return true
}

// sharp says whether a place has as many hard edges as text has: of all pairs
// of neighbours in some rows more than one in fifty.
func sharp(p *Picture, r image.Rectangle) bool {
	const hard, rows = 128, 32
	edges := 0
	for i := range rows {
		row := p.row(r.Min.Y+r.Dy()*(2*i+1)/(2*rows), r.Min.X, r.Max.X)
		for at := 4; at < len(row); at += 4 {
			if abs(int(row[at])-int(row[at-4])) > hard || abs(int(row[at+1])-int(row[at-3])) > hard ||
				abs(int(row[at+2])-int(row[at-2])) > hard {
				edges++
			}
		}
	}
	return edges*50 > rows*r.Dx()
}

// scrolled says whether the region's rows are those of before at other places:
// copies are cheaper then, and exact.
func (c *camera) scrolled(now, shown *Picture, g *grid) bool {
	if !g.allMarked(c.rect) {
		return false
	}
	dy := c.ballot.distance(now, shown, c.rect)
	return dy != 0 && sample(now, shown, c.rect, dy) == moved
}

// take finds the region's tiles that changed. If they are many it makes shown
// equal to now there and takes them out of the grid; those at the region's edge
// stay in it, as the rest of them may have changed too.
func (c *camera) take(now, shown *Picture, g *grid) bool {
	c.mask = append(c.mask[:0], make([]byte, (c.tiles.Dx()*c.tiles.Dy()+7)/8)...)
	n, bit := 0, 0
	for i := range c.each() {
		if g.marked[i] && differs(now, shown, g.tile(i).Intersect(c.rect)) {
			c.mask[bit/8] |= 0x80 >> (bit % 8)
			n++
		}
		bit++
	}
	if n*fewest < bit {
		return false
	}
	at := c.now()
	bit = 0
	for i := range c.each() {
		if masked(c.mask, bit) {
			part := g.tile(i).Intersect(c.rect)
			g.marked[i] = part != g.tile(i)
			shown.take(now, part)
			c.motion.note(at, i, g.times[i])
			c.motion.tiles[i].inexact = true
		}
		bit++
	}
	return true
}

// each gives the region's tiles.
func (c *camera) each() func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for y := c.tiles.Min.Y; y < c.tiles.Max.Y; y++ {
			for x := c.tiles.Min.X; x < c.tiles.Max.X; x++ {
				if !yield(y*c.motion.size.X + x) {
					return
				}
			}
		}
	}
}

// differs says whether two pictures show different things in r.
func differs(p, q *Picture, r image.Rectangle) bool {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		a, b := p.row(y, r.Min.X, r.Max.X), q.row(y, r.Min.X, r.Max.X)
		if !bytes.Equal(a, b) && !sameRow(a, b) {
			return true
		}
	}
	return false
}

// shoot encodes the region and appends its operation.
func (c *camera) shoot(ops []byte, now *Picture) ([]byte, error) {
	began, r, key := c.now(), c.rect, c.lens.fresh
	if err := c.lens.followPath(); err != nil {
		return ops, err
	}
	data, err := c.lens.encoder.Encode(c.frame(now), began, key)
	if err != nil {
		return ops, err
	}
	c.rolling, c.filmed, c.lens.fresh = true, r.Size(), false
	flags := flag(key, videoKey) | flag(c.lens.full, videoFull)
	ops = append(ops, opVideo)
	for _, n := range [...]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} {
		ops = binary.BigEndian.AppendUint16(ops, uint16(n))
	}
	ops = append(ops, codecVP9, flags)
	ops = binary.BigEndian.AppendUint16(ops, uint16(c.lens.size.X))
	ops = binary.BigEndian.AppendUint16(ops, uint16(c.lens.size.Y))
	ops = append(ops, c.mask...)
	ops = binary.BigEndian.AppendUint32(ops, uint32(len(data)))
	ops = append(ops, data...)
	c.pace.note(shot{r.Size(), began, c.now().Sub(began), len(data), c.lens.limit}, c.best)
	return ops, nil
}

// aim makes the lens ready for the region in the quality that the pace allows,
// and says whether it is. Until then a stream of the region goes on in the
// quality it has. Where time stands still meanwhile it is waited for. If none can
// be opened, as libvpx is another one or memory is short, all is sent as tiles.
func (c *camera) aim() bool {
	size, q := c.rect.Size(), c.pace.quality
	ready, err := c.lens.set(q.coded(size), size, q == sharpest, c.clock != nil)
	c.aimed, c.broken = true, err
	return err == nil && (ready || c.rolling && c.filmed == size)
}

// frame gives the region as planes in the size in which it is encoded.
func (c *camera) frame(now *Picture) *yuv.Image {
	size, full := c.lens.size, c.lens.full
	c.whole = fit(cmp.Or(c.whole, c.lens.picture), c.rect.Size(), full)
	c.whole.FromBGRX(now.Pix[c.rect.Min.Y*now.Stride+c.rect.Min.X*4:], now.Stride)
	if size == c.rect.Size() {
		return c.whole
	}
	c.small = fit(c.small, size, full)
	c.small.Scale(c.whole)
	return c.small
}

// fit gives m if it has this size and sampling, or a new image.
func fit(m *yuv.Image, size image.Point, full bool) *yuv.Image {
	if m != nil && image.Pt(m.Width, m.Height) == size && m.Full == full {
		return m
	}
	return yuv.New(size.X, size.Y, full)
}

// notice counts the changes that the grid found.
func (c *camera) notice(g *grid) {
	if c.off() {
		return
	}
	at := c.now()
	spilled := 0
	for i, r := range g.changed {
		if r.Empty() {
			continue
		}
		c.motion.note(at, i, g.times[i])
		if c.motion.tiles[i].inexact && image.Pt(i%g.w, i/g.w).In(c.tiles) {
			spilled = 1
		}
	}
	c.spills += spilled
}

// blur notes that a viewer has tile i only inexactly and nothing of it moves.
func (c *camera) blur(i int) { c.motion.tiles[i].inexact = true }

// changed marks tiles as changed as a whole that a viewer has only inexactly
// and that change without being filmed.
func (c *camera) changed(g *grid) {
	if len(c.motion.tiles) == 0 {
		return
	}
	for i, r := range g.changed {
		if t := &c.motion.tiles[i]; t.inexact && !r.Empty() {
			g.changed[i], t.inexact = g.tile(i), false
		}
	}
}

// refine marks up to n tiles as changed that a viewer has only inexactly and
// that rest, and says whether there was one.
func (c *camera) refine(g *grid, n int) bool {
	rested := c.motion.rested(c.now(), n)
	for _, i := range rested {
		g.changed[i], c.motion.tiles[i].inexact = g.tile(i), false
	}
	return len(rested) > 0
}

// paid notes what a span of tiles cost.
func (c *camera) paid(span image.Rectangle, bytes int) {
	if c.off() {
		return
	}
	y := span.Min.Y / tile
	from, to := span.Min.X/tile, (span.Max.X-1)/tile
	for x := from; x <= to; x++ {
		c.motion.paid(y*c.motion.size.X+x, bytes/(to-from+1))
	}
}

// threads is how many are given to the encoder: half of the computer, as the
// source and often the viewer run on it too.
func threads() int { return max(1, min(runtime.NumCPU()/2, 4)) }
