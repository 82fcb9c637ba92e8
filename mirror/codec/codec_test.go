package codec

import (
	"image"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// painter draws on a picture what screens show, and notes the damage.
type painter struct {
	p      *Picture
	damage Damage
	rnd    *rand.Rand
}

func newPainter(w, h int, seed uint64) *painter {
	p := &painter{p: NewPicture(w, h), rnd: rand.New(rand.NewPCG(seed, 1))}
	p.damage.SetSize(w, h)
	return p
}

// set writes a pixel with a padding byte that means nothing.
func (p *painter) set(x, y int, c uint32) {
	pixels(p.p.row(y, x, x+1))[0] = c&mask1 | uint32(p.rnd.IntN(2))*0xff<<24
}

func (p *painter) fill(r image.Rectangle, c uint32) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p.set(x, y, c)
		}
	}
	p.damage.Add(r)
}

func (p *painter) noise(r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p.set(x, y, p.rnd.Uint32())
		}
	}
	p.damage.Add(r)
}

// text draws glyphs of 6×13 in n shades, as a terminal does.
func (p *painter) text(r image.Rectangle, shades int) {
	const gw, gh = 6, 13
	for y := r.Min.Y; y+gh <= r.Max.Y; y += gh {
		for x := r.Min.X; x+gw <= r.Max.X; x += gw {
			p.glyph(x, y, p.rnd.IntN(60), shades)
		}
	}
	p.damage.Add(r)
}

func (p *painter) glyph(x, y, letter, shades int) {
	bits := rand.New(rand.NewPCG(uint64(letter), 7))
	for j := range 13 {
		for i := range 6 {
			c := uint32(0)
			if j > 1 && j < 11 && i < 5 && bits.IntN(3) == 0 {
				c = uint32(1+bits.IntN(max(1, shades-1))) * (0xffffff / uint32(max(1, shades-1)))
			}
			pixels(p.p.row(y+j, x+i, x+i+1))[0] = c & mask1
		}
	}
}

func (p *painter) move(dst image.Point, src image.Rectangle) {
	p.p.Move(dst, src.Min, src.Dx(), src.Dy())
	p.damage.Add(image.Rectangle{dst, dst.Add(src.Size())})
}

// viewer encodes for and decodes as one viewer.
type viewer struct {
	e Encoder
	d Decoder
}

func (v *viewer) show(t interface{ Fatalf(string, ...any) }, p *painter) (bytes int) {
	before := v.d.Picture()
	if before != nil {
		before = before.Copy()
	}
	frame, err := v.e.Encode(p.p, &p.damage, nil)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	p.damage.Clear()
	if frame == nil {
		if !v.d.Picture().Equal(p.p) {
			t.Fatalf("a change was not sent")
		}
		return 0
	}
	update, err := v.d.Decode(frame)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if !v.d.Picture().Equal(p.p) {
		t.Fatalf("the viewer differs in %v", differing(p.p, v.d.Picture()))
	}
	if before != nil && !update.Resized {
		for _, r := range update.Dirty {
			for y := r.Min.Y; y < r.Max.Y; y++ {
				copy(before.row(y, r.Min.X, r.Max.X), p.p.row(y, r.Min.X, r.Max.X))
			}
		}
		if !before.Equal(p.p) {
			t.Fatalf("changed outside of the dirty rectangles")
		}
	}
	return len(frame)
}

// differing gives the bounds of what differs.
func differing(a, b *Picture) image.Rectangle {
	var all, r image.Rectangle
	for y := range a.Height {
		r = image.Rectangle{}
		grow(&r, pixels(a.row(y, 0, a.Width)), pixels(b.row(y, 0, b.Width)), 0, y)
		all = all.Union(r)
	}
	return all
}

func TestViewerShowsWhatWasDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 300).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h")
		p := newPainter(w, h, rapid.Uint64().Draw(t, "seed"))
		var v viewer
		defer v.d.Close()
		defer v.e.Close()
		rect := func() image.Rectangle {
			x, y := rapid.IntRange(0, w-1).Draw(t, "x"), rapid.IntRange(0, h-1).Draw(t, "y")
			return image.Rect(x, y, rapid.IntRange(x+1, w).Draw(t, "x1"), rapid.IntRange(y+1, h).Draw(t, "y1"))
		}
		for range rapid.IntRange(1, 12).Draw(t, "frames") {
			for range rapid.IntRange(0, 4).Draw(t, "drawings") {
				switch rapid.IntRange(0, 5).Draw(t, "kind") {
				case 0:
					p.fill(rect(), rapid.SampledFrom([]uint32{0, 0xffffff, 0x123456}).Draw(t, "colour"))
				case 1:
					p.noise(rect())
				case 2:
					p.text(rect(), rapid.SampledFrom([]int{2, 4, 16, 100}).Draw(t, "shades"))
				case 3: // a scroll up or down
					r := rect()
					if dy := rapid.IntRange(1, 60).Draw(t, "dy"); dy < r.Dy() {
						src, dst := r, r
						src.Min.Y, dst.Max.Y = r.Min.Y+dy, r.Max.Y-dy
						if rapid.Bool().Draw(t, "down") {
							src, dst = dst, src
						}
						p.move(dst.Min, src)
					}
				case 4: // a window moves
					r := rect()
					p.move(image.Pt(rapid.IntRange(0, w-r.Dx()).Draw(t, "to x"), rapid.IntRange(0, h-r.Dy()).Draw(t, "to y")), r)
				case 5:
					if rapid.IntRange(0, 9).Draw(t, "refresh") == 0 {
						v.e.Refresh()
					}
				}
			}
			v.show(t, p)
		}
	})
}

// TestScrollGoesOn scrolls one place by other distances and with other drawing
// in between, so that remembered moves are right, wrong, and right again.
func TestScrollGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const w, h = 300, 400
		p := newPainter(w, h, rapid.Uint64().Draw(t, "seed"))
		x, y := rapid.IntRange(0, 90).Draw(t, "x"), rapid.IntRange(0, 90).Draw(t, "y")
		window := image.Rect(x, y, rapid.IntRange(x+100, w).Draw(t, "x1"), rapid.IntRange(y+100, h).Draw(t, "y1"))
		p.text(window, 2)
		var v viewer
		defer v.d.Close()
		defer v.e.Close()
		v.show(t, p)
		for range rapid.IntRange(1, 10).Draw(t, "frames") {
			dy := rapid.SampledFrom([]int{-40, -26, -13, -13, -13, -1, 5, 13}).Draw(t, "dy")
			src := window.Intersect(window.Add(image.Pt(0, -dy)))
			p.move(src.Min.Add(image.Pt(0, dy)), src)
			if dy < 0 {
				p.text(image.Rect(window.Min.X, window.Max.Y+dy, window.Max.X, window.Max.Y), 2)
			}
			switch rapid.IntRange(0, 6).Draw(t, "besides") {
			case 0: // a status line that stays
				p.fill(image.Rect(window.Min.X, window.Min.Y+50, window.Max.X, window.Min.Y+60), 0x335577)
			case 1:
				p.noise(image.Rect(window.Min.X+30, window.Min.Y, window.Min.X+50, window.Max.Y))
			case 2:
				p.text(window, 4)
			case 3: // damage of all, with padding that changes
				p.fill(image.Rect(0, 0, w, min(20, y+1)), 0)
				p.damage.Add(p.p.Bounds())
			}
			v.show(t, p)
		}
	})
}

func TestScrollCostsTheNewLineOnly(t *testing.T) {
	p := newPainter(1920, 1080, 1)
	p.text(image.Rect(100, 100, 1000, 900), 2)
	p.text(image.Rect(1000, 0, 1900, 800), 4)
	var v viewer
	defer v.d.Close()
	defer v.e.Close()
	v.show(t, p)
	for range 5 {
		p.move(image.Pt(100, 100), image.Rect(100, 113, 1000, 893))
		p.text(image.Rect(100, 880, 1000, 893), 2)
		p.move(image.Pt(1000, 26), image.Rect(1000, 0, 1900, 754))
		p.text(image.Rect(1000, 0, 1900, 26), 4)
		if n := v.show(t, p); n > 8000 {
			t.Errorf("two scrolled windows cost %d bytes", n)
		}
	}
}

func TestNothingChangedSendsNothing(t *testing.T) {
	p := newPainter(200, 200, 1)
	var v viewer
	defer v.d.Close()
	defer v.e.Close()
	if v.show(t, p) == 0 {
		t.Fatal("no first frame")
	}
	p.damage.Add(p.p.Bounds())
	if n := v.show(t, p); n != 0 {
		t.Errorf("%d bytes", n)
	}
	v.e.Refresh()
	if v.show(t, p) == 0 {
		t.Error("no key frame after a refresh")
	}
}

func TestNewSizeIsAKeyFrame(t *testing.T) {
	var v viewer
	defer v.d.Close()
	defer v.e.Close()
	for _, size := range []image.Point{{100, 50}, {50, 100}, {1, 1}, {700, 3}} {
		p := newPainter(size.X, size.Y, 3)
		p.noise(p.p.Bounds())
		v.show(t, p)
	}
}

func TestCursorArrives(t *testing.T) {
	var v viewer
	defer v.d.Close()
	defer v.e.Close()
	p := newPainter(20, 20, 1)
	v.show(t, p)
	want := &Cursor{1, 2, 2, 1, []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	for _, c := range []*Cursor{want, {}} {
		frame, err := v.e.Encode(p.p, &p.damage, c)
		if err != nil {
			t.Fatal(err)
		}
		u, err := v.d.Decode(frame)
		if err != nil || u.Cursor == nil || u.Cursor.Width != c.Width || string(u.Cursor.Pix) != string(c.Pix) {
			t.Errorf("%+v, %v", u.Cursor, err)
		}
	}
}
