//go:build linux

package capture

import (
	"image"
	"testing"
)

func TestOverMixes(t *testing.T) {
	below := Patch{image.Rect(10, 20, 12, 21), []byte{100, 150, 200, 9, 1, 2, 3, 9}, 8}
	top := Patch{image.Rect(0, 0, 4, 2), make([]byte, 32), 16}
	copy(top.Pix, []byte{
		7, 8, 9, 255, 0, 0, 0, 0, 50, 0, 0, 128, 0, 0, 0, 0,
		7, 8, 9, 255, 7, 8, 9, 255, 7, 8, 9, 255, 7, 8, 9, 0})
	if !top.clear() {
		t.Error("it counts as wholly covered")
	}
	top.over(below, image.Pt(9, 20))
	want := []byte{
		7, 8, 9, 255, 100, 150, 200, 255, 50, 1, 1, 255, 1, 2, 3, 255,
		7, 8, 9, 255, 7, 8, 9, 255, 7, 8, 9, 255, 8, 10, 12, 255}
	for i, v := range want {
		if top.Pix[i] != v {
			t.Errorf("byte %d is %d, want %d", i, top.Pix[i], v)
		}
	}
	if top.clear() {
		t.Error("something is clear yet")
	}
}

func TestNearest(t *testing.T) {
	bounds := image.Rect(0, 0, 100, 50)
	for _, c := range []struct{ r, want image.Rectangle }{
		{image.Rect(10, 10, 20, 20), image.Rect(10, 10, 20, 20)},
		{image.Rect(-5, -5, 5, 5), image.Rect(0, 0, 5, 5)},
		{image.Rect(90, 60, 120, 80), image.Rect(90, 49, 100, 50)},
		{image.Rect(-30, 10, -20, 20), image.Rect(0, 10, 1, 20)},
		{image.Rect(300, -9, 310, -2), image.Rect(99, 0, 100, 1)},
	} {
		if got := nearest(c.r, bounds); got != c.want {
			t.Errorf("%v: %v, want %v", c.r, got, c.want)
		}
	}
}
