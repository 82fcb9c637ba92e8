package surface

import (
	"hither/mirror/codec"
	"hither/mirror/vpx"
	"hither/mirror/wire"
)

// abilities is what this computer shows beyond tiles.
func abilities() wire.Able {
	if vpx.Open() != nil {
		return wire.Able{}
	}
	return wire.Able{Flags: wire.VP9 | wire.VP9444}
}

// newDecoder makes the decoder of a view.
func newDecoder(alloc func(width, height int) (*codec.Picture, error)) *codec.Decoder {
	d := &codec.Decoder{Alloc: alloc}
	if vpx.Open() == nil {
		d.Video = codec.OpenVP9
	}
	return d
}
