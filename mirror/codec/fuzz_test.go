package codec

import (
	"encoding/binary"
	"image"
	"testing"
	"time"

	"hither/mirror/vpx"
	"hither/mirror/yuv"
)

// filmed is a frame of a picture of 100×70 with a real video operation, nil
// without libvpx.
func filmed(f *testing.F) []byte {
	if vpx.CanEncode() != nil {
		return nil
	}
	e, err := vpx.NewEncoder(vpx.Config{Width: 50, Height: 35})
	if err != nil {
		f.Fatal(err)
	}
	defer e.Close()
	data, err := e.Encode(yuv.New(50, 35, false), time.Unix(1, 0), true)
	if err != nil {
		f.Fatal(err)
	}
	return op5(func(b []byte) []byte {
		b[12], b[14] = 50, 35
		binary.BigEndian.PutUint32(b[16:], uint32(len(data)))
		return append(b[:20], data...)
	})
}

// FuzzDecode plays a hostile host that sends two frames.
func FuzzDecode(f *testing.F) {
	p := newPainter(90, 70, 1)
	p.text(p.p.Bounds(), 4)
	var e Encoder
	defer e.Close()
	first, _ := e.Encode(p.p, &p.damage, &Cursor{0, 0, 1, 1, make([]byte, 4)})
	key := append([]byte(nil), first...)
	p.move(image.Pt(0, 0), image.Rect(0, 13, 90, 70))
	p.noise(image.Rect(3, 3, 9, 9))
	second, _ := e.Encode(p.p, &p.damage, nil)
	f.Add(key, second)
	f.Add([]byte{1, 0, 9, 0, 9, 2, 0, 0, 0, 0, 0, 9, 0, 9, 1, 2, 3}, []byte{0, 0, 9, 0, 9, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 8, 0, 8})
	if b := filmed(f); b != nil {
		f.Add(b, append([]byte{0}, b[1:]...))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) > 5 && (int(a[1])<<8|int(a[2]))*(int(a[3])<<8|int(a[4])) > 1<<16 {
			return // legal and slow
		}
		d := Decoder{Video: OpenVP9}
		defer d.Close()
		for _, frame := range [][]byte{a, b} {
			u, err := d.Decode(frame)
			if err != nil {
				return
			}
			if len(u.Dirty) > maxDirty {
				t.Fatal("too many dirty rectangles")
			}
			for _, r := range u.Dirty {
				if !r.In(d.Picture().Bounds()) {
					t.Fatalf("%v is outside", r)
				}
			}
		}
	})
}
