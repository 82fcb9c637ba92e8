package codec

import (
	"cmp"
	"encoding/binary"
	"errors"
	"image"
	"math"
	"time"

	"hither/mirror/vpx"
)

// smallContent is the length below which compression costs more than it saves.
const smallContent = 64

// Encoder makes the frames for one viewer. The zero value works; call Close
// when done.
type Encoder struct {
	// Room is after how many bytes of a frame, before compression, nothing more
	// is made exact that viewers have only inexactly and that rests: what is
	// newer shall not wait for long. The default is 128 KiB.
	Room int
	// Sure makes every frame that shows no video exact: no scroll is trusted.
	Sure bool
	// Rate is how many bits a second video may take; the default is not bounded
	// but by the size of what is filmed.
	Rate int
	// Most is how many bytes a frame that is not video may have, as it goes out;
	// what would be larger is sent coarse first. The default is not bounded; it
	// is never less than Room and leastMore. Where it is set, frames are fewer
	// than changes, and what moves is known by how often it was damaged.
	Most int
	// Seen, if not nil, says that the picture is the newest only where Seen, or
	// the damage outside its area, says so. Encode then gives ErrUnseen, and
	// changes nothing, unless Seen is what Ahead gave last and the scroll goes on.
	Seen *Look

	shown   *Picture // what the viewer shows, padding bytes as in the source
	grid    grid
	mover   mover
	colour  colours
	shades  palettes
	video   camera
	ops     []byte
	exact   int               // where the operations begin that coarse ones may stand for
	news    []image.Rectangle // what these change, if Most is set or it is much
	refined []int             // tiles that rest and become exact in this frame
	plain   int               // bytes of pixels among them
	large   bool              // what is new is much
	rushed  time.Time         // when it was last
	follows bool              // if this frame is large, it follows another
	cut     bool              // this frame was given up for a coarse one
	frame   []byte
	stream  compressor
	ahead   *Look
}

// Refresh makes the next frame a key frame.
func (e *Encoder) Refresh() { e.shown = nil }

// Able says what the viewer takes, from the next frame on.
func (e *Encoder) Able(able Able) {
	if able != Tiles && vpx.CanDecode() != nil { // that of the encoder is seen when one is opened
		able = Tiles
	}
	e.video.able = able
	e.mover.barred = e.video.motion.inexact
}

// unsureFor is how long a scroll must rest until what was trusted is compared.
const unsureFor = 40 * time.Millisecond

// Due says in how long Encode has something to send, or to compare, even if
// nothing changes: what was video, or a scroll, and came to rest. False means
// never.
func (e *Encoder) Due() (time.Duration, bool) {
	wait, due := e.video.due()
	if !e.mover.unsure.Empty() && (!due || wait > unsureFor) {
		return unsureFor, true
	}
	return wait, due
}

// Close frees the compressor and the video's encoder.
func (e *Encoder) Close() error { return errors.Join(e.video.lens.close(), e.stream.close()) }

// Fork gives an encoder that goes on from what the viewers of e show now; e's
// last frame stays as it is.
func (e *Encoder) Fork() *Encoder {
	f := &Encoder{}
	if e.shown != nil {
		f.shown = e.shown.Copy()
		f.shown.reorder()
		f.mover.unsure.Set(&e.mover.unsure)
		f.video.follow(&e.video)
	}
	e.frame = nil
	return f
}

// Restart makes the next frames refer to nothing that frames before said, as a
// viewer joins that was told something else and shows the same. Exact must hold.
// The last frame stays as it is.
func (e *Encoder) Restart() {
	e.stream.restart()
	e.frame = nil
}

// Exact says whether viewers show exactly what was encoded last.
func (e *Encoder) Exact() bool {
	return e.shown != nil && e.mover.unsure.Empty() && e.video.exact()
}

// Encode gives the frame that makes the viewer show now, of which only the
// damaged places may differ from the now of before, and the new cursor if it
// changed. It gives nil when nothing has to be sent. The first frame, and one
// of another size, is a key frame whatever the damage. The frame is valid until
// the next Encode.
func (e *Encoder) Encode(now *Picture, damage *Damage, cursor *Cursor) ([]byte, error) {
	e.ops, e.news, e.refined, e.video.lens.limit = e.ops[:0], e.news[:0], e.refined[:0], e.Rate
	e.plain, e.large, e.cut = 0, false, false
	e.follows = !e.video.off() && e.video.now().Sub(e.rushed) < soon
	key := e.shown == nil || e.shown.Width != now.Width || e.shown.Height != now.Height
	if e.Seen != nil && (key || e.Seen != e.ahead || !e.video.exact() || !damage.in(e.ahead.Area) || !e.goesOn(now)) {
		return nil, ErrUnseen
	}
	e.ahead = nil
	switch {
	case key:
		e.begin(now)
		e.grid.begin(now.Bounds())
		e.grid.mark(nil)
		e.mover.unsure.Clear()
		e.video.restart(&e.grid)
		e.whole(now)
	case !damage.Empty() || !e.mover.unsure.Empty() || e.video.waits():
		e.grid.begin(now.Bounds())
		e.grid.mark(damage)
		if e.Most == 0 { // each change goes out as it comes
			e.grid.once()
		}
		e.grid.mark(&e.mover.unsure)
		damaged := e.grid.bounding()
		if err := e.change(now); err != nil {
			return nil, err
		}
		e.ahead = e.lookAhead(damaged)
	}
	if cursor != nil {
		e.cursor(cursor)
	}
	if len(e.ops) == 0 && !key {
		return nil, nil
	}
	few := min(max(e.Most/3, leastCoarse), coarseBytes)
	if (e.large || e.cut) && !e.video.off() {
		e.hurry()
	}
	switch {
	case e.cut && e.Most > 0 && e.plain > 2*e.mostBytes():
		return e.coarser(now, cursor, few)
	case e.cut:
		return e.coarser(now, cursor, hurriedBytes)
	}
	frame, err := e.finish(now, key)
	if err == nil && e.tooLarge(len(frame)) {
		return e.coarser(now, cursor, few)
	}
	return frame, err
}

// begin starts a key frame: the whole picture in one colour, so that only what
// differs from it remains.
func (e *Encoder) begin(now *Picture) {
	e.shown = NewPicture(now.Width, now.Height)
	e.shown.reorder()
	c := background(now)
	e.shown.fillRect(now.Bounds(), byte(c), byte(c>>8), byte(c>>16))
	e.fill(now.Bounds(), c)
}

// background guesses the commonest colour from a sample of pixels.
func background(p *Picture) uint32 {
	var best uint32
	count := map[uint32]int{}
	for i := range 256 {
		y, x := p.Height*(i/16*2+1)/32, p.Width*(i%16*2+1)/32
		c := pixels(p.row(y, x, x+1))[0] & mask1
		if count[c]++; count[c] > count[best] {
			best = c
		}
	}
	return best
}

// change encodes the grid's tiles: first what keeps moving, then what moved,
// then what is new. Most of what changes goes on from one frame to the next, so
// moves like the last ones are tried before anything is compared.
func (e *Encoder) change(now *Picture) (err error) {
	if e.Seen == nil {
		if e.ops, err = e.video.film(e.ops, now, e.shown, &e.grid); err != nil {
			return err
		}
	}
	e.mover.begin(now.Bounds())
	if e.Seen == nil {
		e.mover.again(now, e.shown, &e.grid, e.Sure)
	} else {
		e.mover.goOn(e.shown, e.Seen.nth)
	}
	for _, m := range e.mover.found {
		e.grid.unmark(m.dst)
	}
	e.grid.compare(now, e.shown, now.Bounds())
	for _, region := range e.grid.regions() {
		if e.Seen.shows(region) && e.mover.find(now, e.shown, region) {
			e.grid.compare(now, e.shown, region)
		}
	}
	for _, m := range e.mover.found {
		e.copy(m)
	}
	e.video.notice(&e.grid)
	e.video.changed(&e.grid)
	e.exact, e.news = len(e.ops), e.news[:0]
	e.cut = !e.emit(now, math.MaxInt, e.mostPlain())
	if e.large = e.plain > much; e.large || e.cut || e.Most > 0 {
		e.news = append(e.news, e.grid.regions()...)
	}
	e.refine(now)
	return nil
}

// whole encodes the picture of a key frame. One that would be large comes
// coarse, and is refined by the frames that follow: on a slow path there is
// something to see and to click at once.
func (e *Encoder) whole(now *Picture) {
	begun := len(e.ops)
	e.grid.compare(now, e.shown, now.Bounds())
	if e.emit(now, largeKey, math.MaxInt) {
		return
	}
	e.ops = e.ops[:begun]
	e.coarse(now, now.Bounds(), coarseStep(coarseBytes, now.Bounds()))
	for i := range e.grid.changed { // plain ones too: squares reach over the edges of tiles
		e.video.blur(i)
	}
	e.shown.take(now, now.Bounds())
}

// refine sends places that rest and that viewers have only inexactly, as many
// as this frame has room for.
func (e *Encoder) refine(now *Picture) {
	for len(e.ops) < cmp.Or(e.Room, refineBytes) {
		clear(e.grid.changed)
		clear(e.grid.stale)
		if !e.video.refine(&e.grid, refineStep) {
			return
		}
		for i, r := range e.grid.changed {
			if !r.Empty() {
				e.refined = append(e.refined, i)
			}
		}
		e.emit(now, math.MaxInt, math.MaxInt)
	}
}

// leave is emit without writing, from a tile on: it only notes what to write
// would cost.
func (e *Encoder) leave(now *Picture, from int) {
	for i := from; i < len(e.grid.changed); i++ {
		r := e.grid.changed[i]
		if !r.Empty() {
			e.colour.count(now, r)
			e.video.paid(r, e.cost(r))
		}
		if !r.Empty() || e.grid.stale[i] {
			e.shown.take(now, e.grid.tile(i))
		}
	}
}

// emit writes the grid's changed places and makes shown equal to now there,
// padding included, so that later rows can be compared as bytes. It gives up
// when the operations, or the plain pixels of the frame, become more than a limit;
// of the latter it leaves the rest.
func (e *Encoder) emit(now *Picture, limit, plain int) bool {
	for span := range e.grid.spans(now, &e.colour) {
		before := len(e.ops)
		if e.plain > plain {
			e.leave(now, span.Min.Y/tile*e.grid.w+span.Min.X/tile)
			return false
		}
		if before > limit {
			return false
		}
		e.span(now, span)
		e.video.paid(span, len(e.ops)-before)
		// Beside what changed in a tile only padding differs.
		e.shown.take(now, image.Rect(span.Min.X/tile*tile, span.Min.Y,
			min((span.Max.X+tile-1)/tile*tile, now.Width), span.Max.Y))
	}
	for i, is := range e.grid.stale {
		if is {
			e.shown.take(now, e.grid.tile(i))
		}
	}
	return true
}

// span writes r, whose colours e.colour holds.
func (e *Encoder) span(now *Picture, r image.Rectangle) {
	plain := r.Dx() * r.Dy() * 3
	switch {
	case e.colour.n == 1:
		e.fill(r, e.colour.list[0])
	case e.cost(r) < plain:
		e.palette(now, r, e.shades.of(&e.colour))
	default:
		e.plain += plain
		e.raw(now, r)
	}
}

// cost is how many bytes the pixels of r take, whose colours e.colour holds.
func (e *Encoder) cost(r image.Rectangle) int {
	plain, n := r.Dx()*r.Dy()*3, e.colour.n
	if n == 0 { // too many
		return plain
	}
	return min(plain, n*3+1+(r.Dx()*indexBits(n)+7)/8*r.Dy())
}

func (e *Encoder) finish(now *Picture, key bool) ([]byte, error) {
	flags := flag(key, flagKey)
	e.frame = append(e.frame[:0], 0)
	e.frame = binary.BigEndian.AppendUint16(e.frame, uint16(now.Width))
	e.frame = binary.BigEndian.AppendUint16(e.frame, uint16(now.Height))
	if len(e.ops) < smallContent {
		e.frame[0] = flags
		e.frame = append(e.frame, e.ops...)
		return e.frame, nil
	}
	if key {
		e.stream.restart()
	}
	flags |= flagZstd | flag(e.stream.fresh(), flagFresh)
	e.frame = binary.BigEndian.AppendUint32(e.frame, uint32(len(e.ops)))
	var err error
	e.frame, err = e.stream.append(e.frame, e.ops)
	e.frame[0] = flags
	return e.frame, err
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}
