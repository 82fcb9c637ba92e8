//go:build e2e

package e2e

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// screenshot gives libvirt's own picture of a machine's screen.
func (n *node) screenshot(machine string) *image.RGBA {
	n.t.Helper()
	dir := filepath.Dir(n.home)
	file := filepath.Join(dir, "shot.png")
	n.hither("screen", "shot", machine, "-o", file)
	text, err := os.ReadFile(file)
	if err != nil {
		n.t.Fatal(err)
	}
	return decodePNG(n.t, text)
}

func decodePNG(t *testing.T, text []byte) *image.RGBA {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(picture.Bounds())
	draw.Draw(out, out.Rect, picture, picture.Bounds().Min, draw.Src)
	return out
}

// lit counts the pixels that are not black.
func lit(p *image.RGBA) int {
	n := 0
	for i := 0; i+3 < len(p.Pix); i += 4 {
		if p.Pix[i]|p.Pix[i+1]|p.Pix[i+2] != 0 {
			n++
		}
	}
	return n
}

// differ counts the pixels whose colours differ, or -1 when the sizes do.
func differ(a, b *image.RGBA) int {
	if a.Rect.Size() != b.Rect.Size() {
		return -1
	}
	n := 0
	for i := 0; i+3 < len(a.Pix) && i+3 < len(b.Pix); i += 4 {
		if a.Pix[i] != b.Pix[i] || a.Pix[i+1] != b.Pix[i+1] || a.Pix[i+2] != b.Pix[i+2] {
			n++
		}
	}
	return n
}
