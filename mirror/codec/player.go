package codec

import (
	"image"

	"hither/mirror/vpx"
	"hither/mirror/yuv"
)

// Numbers of op 5.
const (
	codecVP9  = 1
	videoKey  = 1
	videoFull = 2 // 4:4:4
)

// VideoDecoder decodes the frames of one stream of video; *vpx.Decoder is one.
type VideoDecoder interface {
	// Decode gives the next picture, valid until the next call.
	Decode(data []byte) (*yuv.Image, error)
	Close() error
}

// OpenVP9 is a Decoder's Video, with libvpx.
func OpenVP9(width, height int, full bool) (VideoDecoder, error) {
	d, err := vpx.NewDecoder(width, height, full)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// player shows the video of a view: one stream at a time.
type player struct {
	decoder VideoDecoder // nil: the next frame must be a key frame
	size    image.Point  // as encoded
	full    bool
	played  bool // in this frame of the picture
	scaled  *yuv.Image
}

// end closes the stream.
func (v *player) end() {
	if v.decoder != nil {
		_ = v.decoder.Close() // nothing of it is used any more
		v.decoder = nil
	}
}

// film is one op 5.
type film struct {
	rect image.Rectangle // on the picture
	key  bool
	full bool
	size image.Point
	mask []byte
	data []byte
}

func (d *Decoder) readFilm(r *reader) (f film, err error) {
	if f.rect, err = d.rect(r); err != nil {
		return f, err
	}
	codec, flags := r.u8(), r.u8()
	f.key, f.full = flags&videoKey != 0, flags&videoFull != 0
	f.size = image.Pt(r.u16(), r.u16())
	if codec != codecVP9 || flags&^(videoKey|videoFull) != 0 {
		return f, invalid("kind of video")
	}
	if f.rect.Min.X%2 != 0 || f.rect.Min.Y%2 != 0 {
		return f, invalid("video at an odd place")
	}
	if f.size.X < 1 || f.size.Y < 1 || f.size.X > f.rect.Dx() || f.size.Y > f.rect.Dy() {
		return f, invalid("size of the video")
	}
	tiles := touched(f.rect)
	f.mask = r.bytes((tiles.Dx()*tiles.Dy() + 7) / 8)
	f.data = r.bytes(r.u32())
	if f.mask == nil || len(f.data) == 0 {
		return f, invalid("video is too short")
	}
	return f, nil
}

// touched gives the bounds, in tiles, of those that touch r.
func touched(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.X/tile, r.Min.Y/tile, (r.Max.X+tile-1)/tile, (r.Max.Y+tile-1)/tile)
}

// play applies op 5.
func (d *Decoder) play(r *reader) error {
	f, err := d.readFilm(r)
	if err != nil {
		return err
	}
	if d.Video == nil || d.video.played {
		return invalid("video that was not asked for")
	}
	d.video.played = true
	if err := d.openVideo(f); err != nil {
		return err
	}
	m, err := d.video.decoder.Decode(f.data)
	if err != nil {
		d.video.end()
		return invalid(err.Error())
	}
	d.project(f, d.video.scale(m, f.rect.Size()))
	return nil
}

// openVideo makes the decoder ready for f.
func (d *Decoder) openVideo(f film) error {
	v := &d.video
	if v.decoder != nil && v.size == f.size && v.full == f.full {
		return nil
	}
	if !f.key {
		return invalid("video that does not begin with a key frame")
	}
	v.end()
	decoder, err := d.Video(f.size.X, f.size.Y, f.full)
	if err != nil {
		return err
	}
	v.decoder, v.size, v.full = decoder, f.size, f.full
	return nil
}

// scale gives m in a size.
func (v *player) scale(m *yuv.Image, size image.Point) *yuv.Image {
	if image.Pt(m.Width, m.Height) == size {
		return m
	}
	if v.scaled == nil || image.Pt(v.scaled.Width, v.scaled.Height) != size || v.scaled.Full != m.Full {
		v.scaled = yuv.New(size.X, size.Y, m.Full)
	}
	v.scaled.Scale(m)
	return v.scaled
}

// project draws what lies in the tiles that the mask of f names.
func (d *Decoder) project(f film, m *yuv.Image) {
	tiles, bit := touched(f.rect), 0
	for y := tiles.Min.Y; y < tiles.Max.Y; y++ {
		for x := tiles.Min.X; x < tiles.Max.X; x++ {
			from := x
			for ; x < tiles.Max.X && masked(f.mask, bit); bit++ {
				x++
			}
			if x > from {
				d.projectPart(f, m, image.Rect(from*tile, y*tile, x*tile, (y+1)*tile).Intersect(f.rect))
			}
			if x < tiles.Max.X {
				bit++ // the tile that ended the run
			}
		}
	}
}

func (d *Decoder) projectPart(f film, m *yuv.Image, to image.Rectangle) {
	from := to.Sub(f.rect.Min)
	m.Sub(from.Min.X, from.Min.Y, from.Dx(), from.Dy()).ToBGRX(
		d.picture.Pix[to.Min.Y*d.picture.Stride+to.Min.X*4:], d.picture.Stride)
	d.dirty(to)
}

// masked says whether bit i is set, the first bit being the highest.
func masked(mask []byte, i int) bool { return mask[i/8]>>(7-i%8)&1 == 1 }
