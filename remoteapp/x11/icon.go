package x11

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

const (
	// iconSide is the side of the icons that are made, in pixels.
	iconSide = 64
	// maxIcon is how many bytes an icon may have, so that it fits a message of
	// the screen wire beside its window.
	maxIcon = 16<<10 - 16
	// maxIconProperty is how many 32-bit values of _NET_WM_ICON are read: a
	// picture of 256 by 256 and the smaller ones before it.
	maxIconProperty = 256 << 10
	maxIconInput    = 1024
)

// parseIcons reads _NET_WM_ICON (EWMH): width, height and width·height pixels
// of ARGB with straight alpha, again and again. It gives the smallest picture
// that is large enough, else the largest; nil when there is none.
func parseIcons(v []uint32) *image.NRGBA {
	var best []uint32
	var size image.Point
	for len(v) > 2 {
		w, h := v[0], v[1]
		v = v[2:]
		if w == 0 || h == 0 || w > maxIconInput || h > maxIconInput || w*h > uint32(len(v)) {
			break
		}
		side := int(min(w, h))
		if had := min(size.X, size.Y); had < iconSide && side > had || side >= iconSide && side < had {
			best, size = v[:w*h], image.Pt(int(w), int(h))
		}
		v = v[w*h:]
	}
	if best == nil {
		return nil
	}
	m := image.NewNRGBA(image.Rectangle{Max: size})
	for i, p := range best {
		m.Pix[i*4], m.Pix[i*4+1], m.Pix[i*4+2], m.Pix[i*4+3] = byte(p>>16), byte(p>>8), byte(p), byte(p>>24)
	}
	return m
}

// encodeIcon gives a picture as PNG of at most maxIcon bytes and iconSide
// pixels a side.
func encodeIcon(m *image.NRGBA) ([]byte, error) {
	for side := iconSide; ; side /= 2 {
		var b bytes.Buffer
		if err := png.Encode(&b, fitIcon(m, side)); err != nil {
			return nil, err
		}
		if b.Len() <= maxIcon {
			return b.Bytes(), nil
		}
	}
}

// fitIcon makes a picture small enough, by the average of what comes together.
func fitIcon(m *image.NRGBA, side int) *image.NRGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	most := max(w, h)
	if most <= side {
		return m
	}
	out := image.NewNRGBA(image.Rect(0, 0, max(1, w*side/most), max(1, h*side/most)))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			from := image.Rect(x*w/out.Rect.Dx(), y*h/out.Rect.Dy(), (x+1)*w/out.Rect.Dx(), (y+1)*h/out.Rect.Dy())
			out.SetNRGBA(x, y, average(m, from))
		}
	}
	return out
}

// average weighs colours by their alpha, so that what is clear has none.
func average(m *image.NRGBA, r image.Rectangle) color.NRGBA {
	var red, green, blue, alpha, n int
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := m.NRGBAAt(x, y)
			a := int(c.A)
			red, green, blue = red+int(c.R)*a, green+int(c.G)*a, blue+int(c.B)*a
			alpha += a
			n++
		}
	}
	if alpha == 0 {
		return color.NRGBA{}
	}
	return color.NRGBA{R: byte(red / alpha), G: byte(green / alpha), B: byte(blue / alpha), A: byte(alpha / n)}
}
