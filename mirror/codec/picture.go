package codec

import (
	"image"

	"hither/internal/largepage"
)

// Picture is pixels in memory: four bytes each in the order B, G, R, X (what
// X11 calls depth 24 in 32 bits, least significant byte first). X means
// nothing. Row y begins at Pix[y*Stride]; Stride is at least Width*4 bytes and
// a multiple of 4.
type Picture struct {
	Width, Height int
	Stride        int
	Pix           []byte

	order []int // where row y begins, so that rows move without a copy; nil: y*Stride
}

// NewPicture makes a black picture without space between rows.
func NewPicture(width, height int) *Picture {
	return &Picture{Width: width, Height: height, Stride: width * 4, Pix: largepage.Make(width * height * 4)}
}

// Bounds is the whole picture as a rectangle.
func (p *Picture) Bounds() image.Rectangle { return image.Rect(0, 0, p.Width, p.Height) }

// row gives the bytes of the pixels x0 to x1 of row y.
func (p *Picture) row(y, x0, x1 int) []byte {
	at := y * p.Stride
	if p.order != nil {
		at = p.order[y]
	}
	return p.Pix[at+x0*4 : at+x1*4]
}

// reorder lets Move change the places of rows in memory. From then on Pix means
// nothing to others.
func (p *Picture) reorder() {
	p.order = make([]int, p.Height)
	for y := range p.order {
		p.order[y] = y * p.Stride
	}
}

// Move moves the rectangle at src to dst; the two may overlap.
func (p *Picture) Move(dst, src image.Point, w, h int) {
	if p.order != nil && w == p.Width && dst != src {
		p.roll(dst.Y, src.Y, h)
		return
	}
	y, end, step := 0, h, 1
	if dst.Y > src.Y {
		y, end, step = h-1, -1, -1
	}
	for ; y != end; y += step {
		copy(p.row(dst.Y+y, dst.X, dst.X+w), p.row(src.Y+y, src.X, src.X+w))
	}
}

// roll moves whole rows: their places in memory change, and only those that are
// at both ends afterwards are copied.
func (p *Picture) roll(dst, src, h int) {
	n := min(abs(dst-src), h) // rows that are written over and not moved, and that are left behind
	over, from, to, left := dst, src, dst, src+h-n
	if dst > src {
		over, left = dst+h-n, src
	}
	free := append([]int(nil), p.order[over:over+n]...)
	copy(p.order[to:to+h], p.order[from:from+h])
	for i, at := range free {
		p.order[left+i] = at
		// What is left behind stays what it was: it went dst-src rows on.
		copy(p.row(left+i, 0, p.Width), p.row(left+i+dst-src, 0, p.Width))
	}
}

// take copies a rectangle from the same place of q.
func (p *Picture) take(q *Picture, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(p.row(y, r.Min.X, r.Max.X), q.row(y, r.Min.X, r.Max.X))
	}
}

// fillRect sets every pixel of r.
func (p *Picture) fillRect(r image.Rectangle, b, g, red byte) {
	first := p.row(r.Min.Y, r.Min.X, r.Max.X)
	for i := 0; i < len(first); i += 4 {
		first[i], first[i+1], first[i+2], first[i+3] = b, g, red, 0xff
	}
	for y := r.Min.Y + 1; y < r.Max.Y; y++ {
		copy(p.row(y, r.Min.X, r.Max.X), first)
	}
}

// Equal says whether two pictures show the same.
func (p *Picture) Equal(q *Picture) bool {
	if p.Width != q.Width || p.Height != q.Height {
		return false
	}
	for y := range p.Height {
		if !sameRow(p.row(y, 0, p.Width), q.row(y, 0, q.Width)) {
			return false
		}
	}
	return true
}

// Copy gives a picture of its own that shows the same.
func (p *Picture) Copy() *Picture {
	q := NewPicture(p.Width, p.Height)
	for y := range p.Height {
		copy(q.row(y, 0, p.Width), p.row(y, 0, p.Width))
	}
	return q
}

// Cursor is a pointer's shape: pixels of R, G, B, A with straight alpha, row by
// row without space. A width of 0 is a hidden cursor.
type Cursor struct {
	HotX, HotY    int
	Width, Height int
	Pix           []byte
}
