package surface

import (
	"encoding/binary"
	"testing"

	"hither/mirror/codec"
)

func TestCheckContent(t *testing.T) {
	for _, c := range []struct {
		width, height, content int
		ok                     bool
	}{{100, 100, 160_000, true}, {1, 1, 1 << 20, true}, {100, 100, 2 << 20, false}, {1920, 1080, 30 << 20, true}, {1920, 1080, 40 << 20, false}} {
		size := []byte{byte(c.width >> 8), byte(c.width), byte(c.height >> 8), byte(c.height)}
		packed := binary.BigEndian.AppendUint32(append([]byte{2}, size...), uint32(c.content))
		plain := append(append([]byte{0}, size...), make([]byte, c.content-5)...)
		for _, frame := range [][]byte{packed, plain} {
			if err := checkContent(frame); (err == nil) != c.ok {
				t.Errorf("%d bytes for %d×%d: %v", c.content, c.width, c.height, err)
			}
		}
	}
	if checkContent(nil) != nil || checkContent([]byte{2, 0, 1, 0, 1, 9}) != nil {
		t.Error("the decoder's own errors are taken from it")
	}
}

// TestEncoderIsNotRefused: what our own encoder makes of pixels that cannot be
// compressed is in proportion.
func TestEncoderIsNotRefused(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {17, 9}, {320, 200}} {
		p := codec.NewPicture(size[0], size[1])
		seed := uint32(1)
		for i := range p.Pix {
			seed = seed*1664525 + 1013904223
			p.Pix[i] = byte(seed >> 24)
		}
		var e codec.Encoder
		cursor := &codec.Cursor{Width: 256, Height: 256, Pix: make([]byte, 256*256*4)}
		frame, err := e.Encode(p, new(codec.Damage), cursor)
		if err != nil || frame == nil {
			t.Fatalf("%v: no frame: %v", size, err)
		}
		if err := checkContent(frame); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
}
