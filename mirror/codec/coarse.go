package codec

import (
	"cmp"
	"image"
	"math"
	"time"
)

const (
	// coarseBytes bounds what a coarse picture costs, before compression.
	coarseBytes = 56 << 10
	leastCoarse = 8 << 10 // what it may cost in any case
	// largeKey is how long the operations of a key frame may be, before
	// compression, until the picture is sent coarse first.
	largeKey = 256 << 10
	// refineBytes is the default of Encoder.Room.
	refineBytes = 128 << 10
	// refineStep is how many tiles are refined until that is asked.
	refineStep = 16
	// leastMore is how much more than Room a frame may have in any case: so one
	// that refines something is never too large.
	leastMore = refineStep*tile*tile*3 + 4<<10
)

// coarseStep is the side of the squares in which places are coarse, for at most
// so many bytes.
func coarseStep(most int, places ...image.Rectangle) int {
	all := 0
	for _, r := range places {
		all += r.Dx() * r.Dy()
	}
	step := max(1, int(math.Sqrt(float64(all)*3/float64(most))))
	for squares(step, places)*3 > most && step < largestStep {
		step++
	}
	return min(step, largestStep)
}

// much is from how many bytes of plain pixels a change is large: to code, to
// compress, to send and to show it exactly takes 30 ms or more. One that follows
// another within soon is coarse, in hurriedBytes at most: it may be a film that
// begins, and until it is known as one and its encoder is open it would else be
// shown with gaps. One that is huge takes longer to be exact than to be coarse and
// exact once it rests: it is coarse in any case.
const (
	much         = 1 << 20
	huge         = 4 << 20
	soon         = 200 * time.Millisecond
	hurriedBytes = 400 << 10
)

// hurry notes that a frame is large, and has an encoder opened for what may
// become video if it follows another large one.
func (e *Encoder) hurry() {
	e.rushed = e.video.now()
	if !e.follows || e.video.rolling {
		return
	}
	box := image.Rectangle{}
	for _, r := range e.news {
		box = box.Union(r)
	}
	e.video.lens.open(box.Size(), false)
}

// mostPlain is from how many bytes of plain pixels on a frame becomes coarse, as
// far as that can be said before it is compressed.
func (e *Encoder) mostPlain() int {
	most := math.MaxInt
	switch {
	case e.video.off():
	case e.follows:
		most = much
	default:
		most = huge
	}
	if e.Most > 0 { // plain pixels hardly become half as many bytes
		most = min(most, 2*e.mostBytes())
	}
	return most
}

// largestStep is what the wire has a byte for.
const largestStep = 255

// squares is how many squares of a side cover places.
func squares(step int, places []image.Rectangle) (n int) {
	for _, r := range places {
		n += cells(r.Dx(), step) * cells(r.Dy(), step)
	}
	return n
}

// cells is how many squares of a side cover a length.
func cells(n, step int) int { return (n + step - 1) / max(1, step) }

// coarse writes a place in squares of one colour each, the mean of some of its
// pixels.
func (e *Encoder) coarse(now *Picture, place image.Rectangle, step int) {
	e.rect(opCoarse, place)
	e.ops = append(e.ops, byte(step))
	for y := place.Min.Y; y < place.Max.Y; y += step {
		for x := place.Min.X; x < place.Max.X; x += step {
			e.rgb(mean(now, image.Rect(x, y, x+step, y+step).Intersect(place)))
		}
	}
}

// tooLarge says whether a frame of so many bytes would take too long on its way.
func (e *Encoder) tooLarge(bytes int) bool {
	return e.Most > 0 && len(e.news) > 0 && bytes > e.mostBytes()
}

// mostBytes is how many bytes a frame may have if Most is set.
func (e *Encoder) mostBytes() int { return max(e.Most, cmp.Or(e.Room, refineBytes)+leastMore) }

// coarser makes the frame anew: what is new in it is coarse, in so many bytes
// at most, and exact once it rests. The compressor begins anew, as the viewer may never see what it was
// given last.
func (e *Encoder) coarser(now *Picture, cursor *Cursor, most int) ([]byte, error) {
	e.ops = e.ops[:e.exact]
	for _, i := range e.refined {
		e.video.blur(i)
	}
	step := coarseStep(most, e.news...)
	for _, r := range e.news {
		e.coarse(now, r, step)
		t := touched(r)
		for y := t.Min.Y; y < t.Max.Y; y++ {
			for x := t.Min.X; x < t.Max.X; x++ {
				e.video.blur(y*e.grid.w + x)
			}
		}
	}
	if cursor != nil {
		e.cursor(cursor)
	}
	e.stream.restart()
	return e.finish(now, false)
}

// mean is the mean colour of up to 16 pixels of r.
func mean(p *Picture, r image.Rectangle) uint32 {
	const side = 4
	var red, green, blue, n uint32
	for j := range min(side, r.Dy()) {
		row := pixels(p.row(r.Min.Y+r.Dy()*j/min(side, r.Dy()), r.Min.X, r.Max.X))
		for i := range min(side, r.Dx()) {
			c := row[r.Dx()*i/min(side, r.Dx())]
			red, green, blue, n = red+c>>16&0xff, green+c>>8&0xff, blue+c&0xff, n+1
		}
	}
	return red/n<<16 | green/n<<8 | blue/n
}

// coarse reads squares and draws them with soft borders.
func (d *Decoder) coarse(r *reader) error {
	rect, err := d.rect(r)
	if err != nil {
		return err
	}
	step := r.u8()
	if step == 0 {
		return invalid("coarse picture without squares")
	}
	w, h := cells(rect.Dx(), step), cells(rect.Dy(), step)
	rgb := r.bytes(w * h * 3)
	if rgb == nil {
		return invalid("coarse picture is too short")
	}
	if err := d.spend(rect); err != nil {
		return err
	}
	s := newSoftener(rgb, w, h, step, rect.Dx())
	for y := range rect.Dy() {
		s.row(pixels(d.picture.row(rect.Min.Y+y, rect.Min.X, rect.Max.X)), y)
	}
	d.dirty(rect)
	return nil
}

// softener scales squares up, linearly between their middles.
type softener struct {
	rgb        []byte
	w, h, step int
	columns    []column
	line       []uint32 // a row of squares between two, times 256
}

// column is where the squares around a column of pixels stand in line, and how
// far it is from the first to the second, in 1/256.
type column struct{ left, right, along uint32 }

func newSoftener(rgb []byte, w, h, step, width int) *softener {
	s := &softener{rgb, w, h, step, make([]column, width), make([]uint32, w*3)}
	for x := range s.columns {
		left, right, along := s.at(x, w)
		s.columns[x] = column{uint32(left) * 3, uint32(right) * 3, uint32(along)}
	}
	return s
}

// at gives the two squares around place i of n, and how far it is from the
// first to the second, in 1/256.
func (s *softener) at(i, n int) (a, b, part int) {
	twice := 2*i + 1 - s.step // from the middle of the first square, in half pixels
	if twice < 0 {
		return 0, 0, 0
	}
	a = twice / (2 * s.step)
	return min(a, n-1), min(a+1, n-1), twice % (2 * s.step) * 128 / s.step
}

// row draws row y of the picture.
func (s *softener) row(out []uint32, y int) {
	above, below, part := s.at(y, s.h)
	top, bottom, down := s.rgb[above*s.w*3:], s.rgb[below*s.w*3:], uint32(part)
	for i := range s.line {
		s.line[i] = uint32(top[i])*(256-down) + uint32(bottom[i])*down
	}
	for x, c := range s.columns {
		l, r := s.line[c.left:c.left+3:c.left+3], s.line[c.right:c.right+3:c.right+3]
		out[x] = 0xff<<24 | (l[0]*(256-c.along)+r[0]*c.along)>>16<<16 |
			(l[1]*(256-c.along)+r[1]*c.along)>>16<<8 | (l[2]*(256-c.along)+r[2]*c.along)>>16
	}
}
