package codec

import (
	"image"
	"math/rand/v2"
	"testing"
)

func TestRowsThatChangePlacesAreMovedAsOthers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	p := NewPicture(5, 40)
	for i := range p.Pix {
		p.Pix[i] = byte(random.Uint32())
	}
	q := p.Copy()
	q.reorder()
	for range 2000 {
		h := 1 + random.IntN(40)
		dst, src := random.IntN(41-h), random.IntN(41-h)
		for _, one := range []*Picture{p, q} {
			one.Move(image.Pt(0, dst), image.Pt(0, src), 5, h)
		}
		y := random.IntN(40)
		p.fillRect(image.Rect(1, y, 3, y+1), 1, 2, byte(y))
		q.fillRect(image.Rect(1, y, 3, y+1), 1, 2, byte(y))
		if !p.Equal(q) {
			t.Fatalf("%d rows from %d to %d", h, src, dst)
		}
	}
}
