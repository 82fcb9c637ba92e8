package capture

import (
	"encoding/binary"
	"image"
	"testing"

	"hither/mirror/codec"
)

func TestInset(t *testing.T) {
	for _, c := range []struct {
		width, height, border int
		extents               []uint32
		want                  image.Rectangle
	}{
		{100, 50, 0, nil, image.Rect(0, 0, 100, 50)},
		{100, 50, 2, nil, image.Rect(-2, -2, 102, 52)},
		{100, 50, 0, []uint32{0, 0, 0, 0}, image.Rect(0, 0, 100, 50)},
		{100, 50, 0, []uint32{10, 11, 5, 7}, image.Rect(10, 5, 89, 43)},
		{100, 50, 0, []uint32{10, 11, 5}, image.Rect(0, 0, 100, 50)},
		{100, 50, 0, []uint32{60, 40, 5, 7}, image.Rect(0, 0, 100, 50)},
		{100, 50, 0, []uint32{1 << 31, 1 << 31, 0, 0}, image.Rect(0, 0, 100, 50)},
	} {
		if got := inset(c.width, c.height, c.border, c.extents); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestClip(t *testing.T) {
	r := clip(image.Rect(5, 5, 32000, 32000))
	if r.Min != image.Pt(5, 5) || r.Dx() > maxSide || r.Dx()*r.Dy() > codec.MaxPixels || r.Empty() {
		t.Error(r)
	}
	if r := image.Rect(0, 0, 1920, 1080); clip(r) != r {
		t.Error(clip(r))
	}
}

func FuzzExtents(f *testing.F) {
	reply := make([]byte, 32)
	reply[1], reply[16] = 32, 4
	for _, e := range []uint32{26, 26, 23, 29} {
		reply = binary.LittleEndian.AppendUint32(reply, e)
	}
	f.Add(reply, 400, 300, 0)
	f.Fuzz(func(t *testing.T, reply []byte, width, height, border int) {
		if width < 1 || height < 1 || border < 0 || width > 65535 || height > 65535 || border > 65535 {
			return
		}
		all := image.Rect(-border, -border, width+border, height+border)
		if r := clip(inset(width, height, border, xnumbers(reply))); r.Empty() || !r.In(all) || r.Dx()*r.Dy() > codec.MaxPixels {
			t.Error(r)
		}
	})
}
