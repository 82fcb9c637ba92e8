package surface

import (
	"hither/mirror/codec"
	"hither/mirror/vpx"
	"hither/mirror/wire"
	"hither/mirror/yuv"
)

// abilities is what this computer shows beyond tiles.
func abilities() wire.Able {
	if vpx.CanDecode() != nil {
		return wire.Able{}
	}
	return wire.Able{Flags: wire.VP9 | wire.VP9444}
}

// newDecoder makes the decoder of a view. played, if not nil, is told of each
// frame of video, and whether that is 4:4:4.
func newDecoder(alloc func(width, height int) (*codec.Picture, error), played func(full bool)) *codec.Decoder {
	d := &codec.Decoder{Alloc: alloc}
	if vpx.CanDecode() != nil {
		return d
	}
	d.Video = func(width, height int, full bool) (codec.VideoDecoder, error) {
		inner, err := codec.OpenVP9(width, height, full)
		if err != nil || played == nil {
			return inner, err
		}
		return told{inner, func() { played(full) }}, nil
	}
	return d
}

// told is a decoder of video that tells of each frame.
type told struct {
	codec.VideoDecoder
	played func()
}

func (t told) Decode(data []byte) (*yuv.Image, error) {
	t.played()
	return t.VideoDecoder.Decode(data)
}
