package pipewire

import (
	"image"
	"slices"
)

// Frame is what a screen shows.
type Frame struct {
	Width, Height int
	// Pix has four bytes a pixel, B G R X, or R G B X if Swapped; rows are
	// Stride bytes apart. It is nil if nothing was shown yet. Its memory is the
	// compositor's.
	Pix     []byte
	Stride  int
	Swapped bool
	// Turn is how Pix is turned against what is seen, by
	// spa_meta_videotransform_value: 0 not at all.
	Turn uint32
	// Damage is what became different since the last Take, inside the picture.
	Damage []image.Rectangle
	// Cursor is the pointer's shape, nil if it did not change. Only a screen
	// that was asked for the cursor as metadata tells it.
	Cursor *Cursor
}

// Cursor is a pointer's shape: R G B A with the alpha multiplied in, no space
// between rows. A width of 0 is a hidden one.
type Cursor struct {
	HotX, HotY    int
	Width, Height int
	Pix           []byte
}

// regions reads the damage of a frame; nil is no damage told.
func regions(meta []byte) (all []image.Rectangle) {
	for ; len(meta) >= regionSize; meta = meta[regionSize:] {
		x, y := int(int32(ne.Uint32(meta))), int(int32(ne.Uint32(meta[4:])))
		w, h := ne.Uint32(meta[8:]), ne.Uint32(meta[12:])
		if w == 0 || h == 0 {
			return all
		}
		all = append(all, image.Rect(x, y, x+int(w), y+int(h)))
	}
	return all
}

// cursor reads the metadata of a cursor. ok is false if it says nothing new of
// the shape.
func cursor(meta []byte) (c Cursor, ok bool) {
	if len(meta) < cursorSize || ne.Uint32(meta) == 0 { // an id of 0: nothing is said
		return Cursor{}, false
	}
	at := int64(ne.Uint32(meta[24:]))
	if at < cursorSize || at > int64(len(meta)-bitmapSize) {
		return Cursor{}, false
	}
	hotX, hotY := int(int32(ne.Uint32(meta[16:]))), int(int32(ne.Uint32(meta[20:])))
	b := meta[at:]
	format, w, h := ne.Uint32(b), int64(ne.Uint32(b[4:])), int64(ne.Uint32(b[8:]))
	stride, from := int64(int32(ne.Uint32(b[12:]))), int64(ne.Uint32(b[16:]))
	if from == 0 || w == 0 || h == 0 {
		return Cursor{}, true // hidden
	}
	swapped := format == videoBGRA || format == videoBGRx
	if !swapped && format != videoRGBA && format != videoRGBx || w > maxCursor || h > maxCursor ||
		stride < w*4 || from < bitmapSize || from+stride*(h-1)+w*4 > int64(len(b)) {
		return Cursor{}, false
	}
	c = Cursor{HotX: hotX, HotY: hotY, Width: int(w), Height: int(h)}
	for y := range h {
		row := b[from+y*stride:]
		c.Pix = append(c.Pix, row[:w*4]...)
	}
	if swapped {
		swap(c.Pix)
	}
	return c, true
}

// swap exchanges the first and third byte of each pixel.
func swap(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		pix[i], pix[i+2] = pix[i+2], pix[i]
	}
}

// add notes rectangles of damage, few of them: what is more becomes one.
func add(all []image.Rectangle, more []image.Rectangle, bounds image.Rectangle) []image.Rectangle {
	for _, r := range more {
		if r = r.Intersect(bounds); r.Empty() || slices.ContainsFunc(all, func(in image.Rectangle) bool { return r.In(in) }) {
			continue
		}
		all = slices.DeleteFunc(all, func(in image.Rectangle) bool { return in.In(r) })
		if all = append(all, r); len(all) > maxRegions {
			for _, other := range all {
				r = r.Union(other)
			}
			all = append(all[:0], r)
		}
	}
	return all
}
