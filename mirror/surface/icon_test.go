package surface

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

func pngOf(t testing.TB, width, height int, c color.Color) []byte {
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			p.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestIconPixels(t *testing.T) {
	half := color.NRGBA{10, 20, 30, 128}
	for _, c := range []struct{ width, height, wantX, wantY int }{
		{1, 1, 1, 1}, {48, 48, 48, 48}, {128, 64, 128, 64}, {256, 256, 128, 128}, {300, 200, 75, 50}, {512, 512, 128, 128},
	} {
		got := iconPixels(pngOf(t, c.width, c.height, half))
		if len(got) != 2+c.wantX*c.wantY || got[0] != uint32(c.wantX) || got[1] != uint32(c.wantY) {
			t.Fatalf("%d×%d became %d values", c.width, c.height, len(got))
		}
		if got[2] != 0x800a141e {
			t.Errorf("%d×%d: colour is %08x", c.width, c.height, got[2])
		}
	}
	for what, b := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "too large": pngOf(t, 513, 1, half),
		"cut off": pngOf(t, 64, 64, half)[:60], "a line": pngOf(t, 512, 1, half)} {
		if got := iconPixels(b); got != nil {
			t.Errorf("%s gave %d values", what, len(got))
		}
	}
}

// FuzzIconPixels: whatever a host sends, the property fits one request.
func FuzzIconPixels(f *testing.F) {
	f.Add(pngOf(f, 3, 2, color.White))
	f.Add(pngOf(f, 200, 130, color.Black))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := iconPixels(b)
		if got != nil && (len(got) > 2+shownIcon*shownIcon || len(got) != 2+int(got[0]*got[1])) {
			t.Errorf("%d values for %d×%d", len(got), got[0], got[1])
		}
	})
}
