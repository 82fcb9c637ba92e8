package tray

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"golang.org/x/image/draw"
)

const iconSize = 64

// dots are the colours of the mark on the icon; a fine one has none. They stay
// apart for colour-blind eyes, and the second is a ring, so that shape tells too.
var dots = map[Mood]color.NRGBA{
	Working:  {R: 0x1f, G: 0x8f, B: 0xe0, A: 0xff},
	NeedsYou: {R: 0xe0, G: 0x6c, B: 0x00, A: 0xff},
}

// Icon gives the program's icon (PNG) at tray size with the mark of a mood.
func Icon(base []byte, mood Mood) ([]byte, error) {
	source, err := png.Decode(bytes.NewReader(base))
	if err != nil {
		return nil, err
	}
	icon := image.NewNRGBA(image.Rect(0, 0, iconSize, iconSize))
	draw.CatmullRom.Scale(icon, icon.Bounds(), source, source.Bounds(), draw.Src, nil)
	if dot, marked := dots[mood]; marked {
		mark(icon, dot, mood == Working)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, icon); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// mark draws a disc, or a ring, with a clear edge in the lower right corner.
func mark(icon *image.NRGBA, c color.NRGBA, ring bool) {
	const x, y, edge, outer, inner = 47, 47, 17, 14, 7
	for py := y - edge; py < iconSize; py++ {
		for px := x - edge; px < iconSize; px++ {
			d := (px-x)*(px-x) + (py-y)*(py-y)
			switch {
			case d > edge*edge:
			case d > outer*outer, ring && d < inner*inner:
				icon.SetNRGBA(px, py, color.NRGBA{})
			default:
				icon.SetNRGBA(px, py, c)
			}
		}
	}
}
