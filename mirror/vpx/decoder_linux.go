//go:build amd64 || arm64

package vpx

import (
	"errors"
	"image"
	"runtime"
	"unsafe"

	"hither/mirror/yuv"
)

// Decoder reads a VP9 stream of one size and profile. It trusts nobody: see the
// package. It is not safe for use from several goroutines.
type Decoder struct {
	lib     *libvpx
	ctx     *context
	size    image.Point
	full    bool
	started bool // a key frame was decoded
	image   yuv.Image
}

// NewDecoder opens a decoder for pictures of this size, of 4:4:4 if full is
// set. It promises ErrUnsupported where libvpx is not there. Close it when done.
func NewDecoder(width, height int, full bool) (*Decoder, error) {
	lib, err := library()
	if err != nil {
		return nil, err
	}
	if err := (Config{Width: width, Height: height}).check(); err != nil {
		return nil, err
	}
	d := &Decoder{lib: lib, ctx: new(context), size: image.Pt(width, height), full: full}
	if code := lib.initDecode(d.ctx, lib.decoder(), &decoderConfig{threads: 1}, 0, decoderABI); code != 0 {
		return nil, lib.failure(d.ctx, code)
	}
	return d, nil
}

// Decode decodes the next frame. The image is valid until the next Decode or
// Close. After an error nothing is until a key frame.
func (d *Decoder) Decode(data []byte) (*yuv.Image, error) {
	if err := d.check(data); err != nil {
		d.started = false
		return nil, err
	}
	code := d.lib.decode(d.ctx, &data[0], uint32(len(data)), nil, 0)
	runtime.KeepAlive(data)
	if code != 0 {
		d.started = false
		return nil, d.lib.failure(d.ctx, code)
	}
	var iter unsafe.Pointer
	p := d.lib.frame(d.ctx, &iter)
	if p == nil || !d.fits(p) {
		d.started = false
		return nil, errors.New("the VP9 frame is not of the size that was said")
	}
	d.started = true
	d.point(p)
	return &d.image, nil
}

// check lets only frames through that keep to the stream's size and profile.
func (d *Decoder) check(data []byte) error {
	if len(data) > 1<<30 {
		return errHeader
	}
	h, err := readHeader(data)
	switch {
	case err != nil:
		return err
	case h.full != d.full:
		return errors.New("a VP9 frame of another profile")
	case h.key && h.size != d.size:
		return errors.New("a VP9 frame of another size")
	case !h.key && !d.started:
		return errors.New("a VP9 stream that does not begin with a key frame")
	}
	return nil
}

func (d *Decoder) fits(p *picture) bool {
	format, shift := uint32(formatI420), uint32(1)
	if d.full {
		format, shift = formatI444, 0
	}
	return p.format == format && p.bitDepth == 8 && p.shiftX == shift && p.shiftY == shift &&
		int(p.shownW) == d.size.X && int(p.shownH) == d.size.Y && p.shownW <= p.w && p.shownH <= p.h
}

// point makes the image see the memory of libvpx's.
func (d *Decoder) point(p *picture) {
	m := yuv.Image{Width: d.size.X, Height: d.size.Y, Full: d.full}
	for i := range m.Planes {
		_, rows := m.Size(i)
		m.Strides[i] = int(p.strides[i])
		m.Planes[i] = unsafe.Slice((*byte)(p.planes[i]), m.Strides[i]*rows)
	}
	d.image = m
}

// Close frees the decoder.
func (d *Decoder) Close() error {
	if d.ctx == nil {
		return nil
	}
	ctx := d.ctx
	d.ctx, d.image = nil, yuv.Image{}
	if code := d.lib.destroy(ctx); code != 0 {
		return errors.New("libvpx: " + d.lib.errorText(code))
	}
	return nil
}
