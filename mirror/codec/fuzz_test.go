package codec

import (
	"image"
	"testing"
)

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
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) > 5 && (int(a[1])<<8|int(a[2]))*(int(a[3])<<8|int(a[4])) > 1<<16 {
			return // legal and slow
		}
		var d Decoder
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
