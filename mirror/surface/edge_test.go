package surface

import (
	"image"
	"testing"
)

func TestEdges(t *testing.T) {
	size := image.Pt(300, 200)
	for _, c := range []struct {
		x, y, margin int
		want         direction
	}{
		{0, 0, 2, northWest}, {150, 0, 2, north}, {299, 1, 2, northEast}, {298, 100, 2, east},
		{299, 199, 2, southEast}, {150, 198, 2, south}, {1, 190, 2, southWest}, {1, 100, 2, west},
		{10, 0, 2, northWest}, {0, 15, 2, northWest}, {16, 0, 2, north}, {299, 184, 2, southEast},
		{2, 2, 2, move}, {150, 100, 2, move}, {150, 5, 2, move}, {150, 5, 12, north}, {-3, 100, 2, west},
	} {
		if got := edgeAt(image.Pt(c.x, c.y), size, c.margin); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if got := edgeAt(image.Pt(0, 0), image.Pt(1, 1), 2); got != northWest {
		t.Errorf("a window of one pixel: %d", got)
	}
}
