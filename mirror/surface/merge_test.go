package surface

import (
	"image"
	"math/rand/v2"
	"testing"
)

func TestMergeCoversAll(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var rects []image.Rectangle
		for range random.IntN(60) {
			x, y := random.IntN(1000), random.IntN(700)
			rects = append(rects, image.Rect(x, y, x+1+random.IntN(100), y+1+random.IntN(30)))
		}
		want := append([]image.Rectangle(nil), rects...)
		merged := merge(rects)
		if len(merged) > maxPuts {
			t.Fatalf("%d rectangles are left", len(merged))
		}
		for _, r := range want {
			if !covered(r, merged) {
				t.Fatalf("%v is not drawn", r)
			}
		}
	}
}

func covered(r image.Rectangle, by []image.Rectangle) bool {
	for _, b := range by {
		if r.In(b) {
			return true
		}
	}
	return false
}

func TestMergeKeepsDistantOnesApart(t *testing.T) {
	got := merge([]image.Rectangle{image.Rect(0, 0, 64, 64), image.Rect(64, 0, 128, 64), image.Rect(1800, 1000, 1864, 1064)})
	if len(got) != 2 || got[0] != image.Rect(0, 0, 128, 64) {
		t.Errorf("merged to %v", got)
	}
}
