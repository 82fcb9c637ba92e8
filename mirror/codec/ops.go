package codec

import (
	"image"
	"unsafe"
)

// rect reads a rectangle that must lie inside the picture.
func (d *Decoder) rect(r *reader) (image.Rectangle, error) {
	rect := r.rect()
	return rect, d.check(rect)
}

func (d *Decoder) check(rect image.Rectangle) error {
	if rect.Empty() || !rect.In(d.picture.Bounds()) {
		return invalid("rectangle leaves the picture")
	}
	return nil
}

func (d *Decoder) copy(r *reader) error {
	src := image.Pt(r.u16(), r.u16())
	dst, err := d.rect(r)
	if err != nil {
		return err
	}
	if err := d.check(image.Rectangle{src, src.Add(dst.Size())}); err != nil {
		return err
	}
	if err := d.spend(dst); err != nil {
		return err
	}
	d.picture.Move(dst.Min, src, dst.Dx(), dst.Dy())
	d.dirty(dst)
	return nil
}

func (d *Decoder) fill(r *reader) error {
	rect, err := d.rect(r)
	if err != nil {
		return err
	}
	c := r.bytes(3)
	if c == nil {
		return invalid("fill is too short")
	}
	if err := d.spend(rect); err != nil {
		return err
	}
	d.picture.fillRect(rect, c[2], c[1], c[0])
	d.dirty(rect)
	return nil
}

func (d *Decoder) raw(r *reader) error {
	rect, err := d.rect(r)
	if err != nil {
		return err
	}
	b := r.bytes(rect.Dx() * rect.Dy() * 3)
	if b == nil {
		return invalid("raw pixels are too short")
	}
	for y := rect.Min.Y; y < rect.Max.Y; y++ {
		row := d.picture.row(y, rect.Min.X, rect.Max.X)
		for i := 0; i < len(row); i += 4 {
			row[i], row[i+1], row[i+2], row[i+3] = b[2], b[1], b[0], 0xff
			b = b[3:]
		}
	}
	d.dirty(rect)
	return nil
}

// indexBits is how many bits an index into n colours takes.
func indexBits(n int) int {
	switch {
	case n <= 2:
		return 1
	case n <= 4:
		return 2
	case n <= 16:
		return 4
	}
	return 8
}

// palette reads rows of indices, or columns.
func (d *Decoder) palette(r *reader, columns bool) error {
	rect, err := d.rect(r)
	if err != nil {
		return err
	}
	n := r.u8() + 1
	if n < 2 {
		return invalid("palette of one colour")
	}
	rgb := r.bytes(n * 3)
	bits := indexBits(n)
	rowBytes, rows := (rect.Dx()*bits+7)/8, rect.Dy()
	if columns {
		rowBytes, rows = (rect.Dy()*bits+7)/8, rect.Dx()
	}
	b := r.bytes(rowBytes * rows)
	if rgb == nil || b == nil {
		return invalid("palette is too short")
	}
	var colours [256]uint32
	for i := range n {
		colours[i] = uint32(rgb[i*3+2]) | uint32(rgb[i*3+1])<<8 | uint32(rgb[i*3])<<16 | 0xff<<24
	}
	ok := true
	if columns {
		ok = d.columns(rect, b, bits, colours[:n])
	} else {
		for y := rect.Min.Y; y < rect.Max.Y && ok; y++ {
			ok = unpack(d.picture.row(y, rect.Min.X, rect.Max.X), b[:rowBytes], bits, colours[:n])
			b = b[rowBytes:]
		}
	}
	if !ok {
		return invalid("index beyond the palette")
	}
	d.dirty(rect)
	return nil
}

// columns writes columns of indices as pixels.
func (d *Decoder) columns(rect image.Rectangle, b []byte, bits int, colours []uint32) bool {
	columnBytes, most := (rect.Dy()*bits+7)/8, 0
	for x := rect.Min.X; x < rect.Max.X; x++ {
		at := rect.Min.Y*d.picture.Stride + x*4
		for i := range rect.Dy() {
			index := int(b[i*bits>>3]>>(8-bits-i*bits&7)) & (1<<bits - 1)
			if most = max(most, index); most >= len(colours) {
				return false
			}
			*(*uint32)(unsafe.Pointer(&d.picture.Pix[at])) = colours[index]
			at += d.picture.Stride
		}
		b = b[columnBytes:]
	}
	return true
}

// unpack writes a row of indices as pixels.
func unpack(row, b []byte, bits int, colours []uint32) bool {
	mask := byte(1<<bits - 1)
	shift := 8 - bits
	for i := 0; i < len(row); i += 4 {
		c := int(b[0] >> shift & mask)
		if c >= len(colours) {
			return false
		}
		v := colours[c]
		row[i], row[i+1], row[i+2], row[i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
		if shift -= bits; shift < 0 {
			shift = 8 - bits
			b = b[1:]
		}
	}
	return true
}

func (d *Decoder) cursor(r *reader) error {
	c := &Cursor{HotX: r.u16(), HotY: r.u16(), Width: r.u16(), Height: r.u16()}
	if c.Width > MaxCursor || c.Height > MaxCursor || (c.Width == 0) != (c.Height == 0) {
		return invalid("size of the cursor")
	}
	b := r.bytes(c.Width * c.Height * 4)
	if b == nil {
		return invalid("cursor is too short")
	}
	c.Pix = append([]byte(nil), b...)
	d.update.Cursor = c
	return nil
}
