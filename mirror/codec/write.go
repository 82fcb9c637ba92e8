package codec

import (
	"encoding/binary"
	"image"
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

// palette writes r with the colours that e.colour holds.
func (e *Encoder) palette(now *Picture, r image.Rectangle) {
	n := e.colour.n
	e.rect(opPalette, r)
	e.ops = append(e.ops, byte(n-1))
	for _, c := range e.colour.list[:n] {
		e.rgb(c)
	}
	bits := indexBits(n)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		e.ops = e.colour.pack(e.ops, pixels(now.row(y, r.Min.X, r.Max.X)), bits)
	}
}

func (e *Encoder) cursor(c *Cursor) {
	e.op(opCursor, c.HotX, c.HotY, c.Width, c.Height)
	e.ops = append(e.ops, c.Pix...)
}
