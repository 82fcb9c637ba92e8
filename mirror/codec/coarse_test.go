package codec

import (
	"image"
	"testing"
)

// TestALargePictureComesCoarseFirst joins a viewer to a picture that costs
// megabytes.
func TestALargePictureComesCoarseFirst(t *testing.T) {
	p := newPainter(1920, 1080, 5)
	p.noise(p.p.Bounds())
	var e Encoder
	var d Decoder
	defer e.Close()
	defer d.Close()
	show := func() int {
		frame, err := e.Encode(p.p, &p.damage, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.damage.Clear()
		if _, err := d.Decode(frame); err != nil {
			t.Fatal(err)
		}
		return len(frame)
	}
	if n := show(); n > 60<<10 {
		t.Errorf("the first picture costs %d bytes", n)
	}
	if e.Exact() {
		t.Error("it counts as exact")
	}
	p.fill(image.Rect(900, 500, 964, 513), 0xff0000) // what is newer goes first
	show()
	if got := pixels(d.Picture().row(506, 910, 911))[0] & mask1; got != 0xff0000 {
		t.Errorf("a change waits for the rest: %06x", got)
	}
	frames := 0
	for wait, due := e.Due(); due; wait, due = e.Due() {
		if wait > 0 {
			t.Fatalf("it waits for %v", wait)
		}
		if n := show(); n > 2*refineBytes {
			t.Errorf("a frame of %d bytes", n)
		}
		frames++
	}
	if !e.Exact() || !d.Picture().Equal(p.p) {
		t.Errorf("after %d frames the viewer differs in %v", frames, differing(p.p, d.Picture()))
	}
}

// TestAPlainPlaceBesideACoarseOneRestsExactly has what a dialog has: a list
// that is empty, and much beside it.
func TestAPlainPlaceBesideACoarseOneRestsExactly(t *testing.T) {
	p := newPainter(1124, 888, 6)
	p.fill(p.p.Bounds(), 0xffffff)
	p.noise(image.Rect(0, 0, 640, 384)) // ends where tiles end
	p.noise(image.Rect(800, 700, 801, 768))
	var e Encoder
	var d Decoder
	defer e.Close()
	defer d.Close()
	for due := true; due; _, due = e.Due() {
		frame, err := e.Encode(p.p, &p.damage, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.damage.Clear()
		if _, err := d.Decode(frame); err != nil {
			t.Fatal(err)
		}
	}
	if !e.Exact() || !d.Picture().Equal(p.p) {
		t.Errorf("it counts as exact (%v) and differs in %v", e.Exact(), differing(p.p, d.Picture()))
	}
}

func TestCoarseSquaresAreSoft(t *testing.T) {
	var d Decoder
	defer d.Close()
	frame := []byte{1, 0, 8, 0, 4, opCoarse, 0, 0, 0, 0, 0, 8, 0, 4, 4, 0, 0, 0, 200, 100, 50}
	if _, err := d.Decode(frame); err != nil {
		t.Fatal(err)
	}
	last := -1
	for x := range 8 {
		red := int(pixels(d.Picture().row(2, x, x+1))[0] >> 16 & 0xff)
		if red < last {
			t.Errorf("column %d is darker than the one before", x)
		}
		last = red
	}
	if first := pixels(d.Picture().row(0, 0, 1))[0] & mask1; first != 0 || last != 200 {
		t.Errorf("from %06x to %d", first, last)
	}
}
