package codec

import (
	"encoding/binary"
	"image"
)

// maxDirty is how many rectangles Update.Dirty holds before they become one.
const maxDirty = 256

// workFactor bounds what the copies and fills of a frame may touch, in whole
// pictures: a few bytes of a hostile host must not cost hours.
const workFactor = 16

// Update is what a frame did to the picture.
type Update struct {
	// Resized says that Decoder.Picture is another one now.
	Resized bool
	// Dirty are the places that may have changed.
	Dirty []image.Rectangle
	// Cursor is the new cursor, nil if it stayed.
	Cursor *Cursor
}

// Decoder applies frames to a picture. The zero value works; call Close when
// done.
type Decoder struct {
	// Alloc makes a picture, for instance in memory shared with an X server.
	// The default is NewPicture. It is called when the size changes.
	Alloc func(width, height int) (*Picture, error)
	// Video opens a decoder for video of one size, 4:4:4 if full is set.
	// OpenVP9 is one. Without it a frame with video is an error: a viewer says
	// what it is able to take.
	Video func(width, height int, full bool) (VideoDecoder, error)

	picture *Picture
	video   player
	stream  decompressor
	work    int
	update  Update
}

// Picture is what the frames so far show, nil before the first. It stays the
// same one until Update.Resized. It is written only inside Decode.
func (d *Decoder) Picture() *Picture { return d.picture }

// Close frees the decompressor and the video's decoder.
func (d *Decoder) Close() {
	d.video.end()
	d.stream.close()
}

// Decode applies one frame. After an error the picture is of no use until a
// key frame. The update is valid until the next Decode.
func (d *Decoder) Decode(frame []byte) (Update, error) {
	d.update = Update{Dirty: d.update.Dirty[:0]}
	d.video.played = false
	if len(frame) < frameHeader {
		return Update{}, invalid("header is too short")
	}
	flags := frame[0]
	if flags&^(flagKey|flagZstd|flagFresh) != 0 {
		return Update{}, invalid("unknown flags")
	}
	w, h := int(binary.BigEndian.Uint16(frame[1:])), int(binary.BigEndian.Uint16(frame[3:]))
	if err := d.begin(w, h, flags&flagKey != 0); err != nil {
		return Update{}, err
	}
	ops := frame[frameHeader:]
	if flags&flagZstd != 0 {
		var err error
		if ops, err = d.stream.next(ops, flags&flagFresh != 0); err != nil {
			return Update{}, err
		}
	}
	if len(ops) > MaxContent {
		return Update{}, invalid("content is too large")
	}
	return d.update, d.apply(reader{ops})
}

// begin makes the picture ready for a frame of this size.
func (d *Decoder) begin(w, h int, key bool) error {
	if w == 0 || h == 0 || w*h > MaxPixels {
		return invalid("size of the picture")
	}
	d.work = workFactor * max(w*h, 1<<16)
	same := d.picture != nil && d.picture.Width == w && d.picture.Height == h
	if !key {
		if !same {
			return invalid("size changed without a key frame")
		}
		return nil
	}
	d.video.end()
	if !same {
		p, err := d.alloc(w, h)
		if err != nil {
			return err
		}
		d.picture, d.update.Resized = p, true
	}
	d.picture.fillRect(d.picture.Bounds(), 0, 0, 0)
	d.dirty(d.picture.Bounds())
	return nil
}

func (d *Decoder) alloc(w, h int) (*Picture, error) {
	if d.Alloc != nil {
		return d.Alloc(w, h)
	}
	return NewPicture(w, h), nil
}

func (d *Decoder) apply(r reader) error {
	for len(r.b) > 0 {
		if err := d.op(&r); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) op(r *reader) error {
	switch r.u8() {
	case opCopy:
		return d.copy(r)
	case opFill:
		return d.fill(r)
	case opRaw:
		return d.raw(r)
	case opPalette:
		return d.palette(r, false)
	case opColumns:
		return d.palette(r, true)
	case opCoarse:
		return d.coarse(r)
	case opVideo:
		return d.play(r)
	case opCursor:
		return d.cursor(r)
	}
	return invalid("unknown operation")
}

// dirty notes a changed place.
func (d *Decoder) dirty(r image.Rectangle) {
	list := d.update.Dirty
	if len(list) > 0 && r.In(list[0]) {
		return
	}
	if len(list) == maxDirty {
		for _, other := range list {
			r = r.Union(other)
		}
		list = list[:0]
	}
	d.update.Dirty = append(list, r)
}

// spend counts pixels touched without bytes for them.
func (d *Decoder) spend(r image.Rectangle) error {
	d.work -= r.Dx() * r.Dy()
	if d.work < 0 {
		return invalid("copies and fills touch too much")
	}
	return nil
}
