//go:build e2e && linux

package surface

import (
	"image"
	"testing"
)

// BenchmarkFrame is a 64×64 patch from frame to glass.
func BenchmarkFrame(b *testing.B) {
	d := newDesk(b)
	win := d.openWindow(image.Pt(1000, 700))
	defer waitClosed(win.conn)
	defer win.conn.Close()
	if err := win.show(); err != nil {
		b.Fatal(err)
	}
	g := newGlass(win, image.Pt(1000, 700), image.Pt(1000, 700))
	g.begin()
	key := []byte{1, 1000 >> 8, 1000 & 0xff, 700 >> 8, 700 & 0xff}
	if _, err := g.frame(key); err != nil {
		b.Fatal(err)
	}
	patch := []byte{0, 1000 >> 8, 1000 & 0xff, 700 >> 8, 700 & 0xff, 2, 0, 100, 0, 100, 0, 64, 0, 64, 1, 2, 3}
	for b.Loop() {
		patch[len(patch)-1]++
		if _, err := g.frame(patch); err != nil {
			b.Fatal(err)
		}
	}
	if err := g.close(); err != nil {
		b.Fatal(err)
	}
}
