package codec

import (
	"encoding/binary"
	"image"
	"unsafe"
)

func (e *Encoder) op(kind byte, numbers ...int) {
	e.ops = append(e.ops, kind)
	for _, n := range numbers {
		e.ops = binary.BigEndian.AppendUint16(e.ops, uint16(n))
	}
}

func (e *Encoder) rect(kind byte, r image.Rectangle) {
	e.op(kind, r.Min.X, r.Min.Y, r.Dx(), r.Dy())
}

func (e *Encoder) rgb(c uint32) {
	e.ops = append(e.ops, byte(c>>16), byte(c>>8), byte(c))
}

func (e *Encoder) copy(m move) {
	e.op(opCopy, m.dst.Min.X, m.dst.Min.Y-m.dy, m.dst.Min.X, m.dst.Min.Y, m.dst.Dx(), m.dst.Dy())
}

func (e *Encoder) fill(r image.Rectangle, c uint32) {
	e.rect(opFill, r)
	e.rgb(c)
}

func (e *Encoder) raw(now *Picture, r image.Rectangle) {
	e.rect(opRaw, r)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, c := range pixels(now.row(y, r.Min.X, r.Max.X)) {
			e.rgb(c)
		}
	}
}

// lineHeight is the height up to which a place is written column by column: a
// letter of a line of text is then one run of bytes, wherever it stands.
const lineHeight = 32

// palette writes r with the colours of c.
func (e *Encoder) palette(now *Picture, r image.Rectangle, c *colours) {
	kind := byte(opPalette)
	if r.Dy() <= lineHeight {
		kind = opColumns
	}
	e.rect(kind, r)
	e.ops = append(e.ops, byte(c.n-1))
	for _, colour := range c.list[:c.n] {
		e.rgb(colour)
	}
	bits := indexBits(c.n)
	if kind == opColumns {
		e.columns(now, r, c, bits)
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		e.ops = c.pack(e.ops, pixels(now.row(y, r.Min.X, r.Max.X)), bits)
	}
}

// columns packs r column by column.
func (e *Encoder) columns(now *Picture, r image.Rectangle, c *colours, bits int) {
	var column [lineHeight]uint32
	for x := r.Min.X; x < r.Max.X; x++ {
		at := r.Min.Y*now.Stride + x*4
		for y := range r.Dy() {
			column[y] = *(*uint32)(unsafe.Pointer(&now.Pix[at+y*now.Stride]))
		}
		e.ops = c.pack(e.ops, column[:r.Dy()], bits)
	}
}

func (e *Encoder) cursor(c *Cursor) {
	e.op(opCursor, c.HotX, c.HotY, c.Width, c.Height)
	e.ops = append(e.ops, c.Pix...)
}
