package surface

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

const (
	maxIcon   = 512 // of a PNG that is read, each way
	shownIcon = 128 // of what is shown: a property must fit one request
)

// iconPixels reads a host's PNG as _NET_WM_ICON has it: width, height, then
// A R G B with straight alpha. It gives nil for what is no PNG or too large.
func iconPixels(data []byte) []uint32 {
	head, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || head.Width < 1 || head.Height < 1 || head.Width > maxIcon || head.Height > maxIcon {
		return nil
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	step := 1
	for max(head.Width, head.Height) > step*shownIcon {
		step *= 2
	}
	size := picture.Bounds().Size().Div(step)
	if size.X < 1 || size.Y < 1 {
		return nil
	}
	out := make([]uint32, 2, 2+size.X*size.Y)
	out[0], out[1] = uint32(size.X), uint32(size.Y)
	for y := range size.Y {
		for x := range size.X {
			out = append(out, average(picture, picture.Bounds().Min.Add(image.Pt(x, y).Mul(step)), step))
		}
	}
	return out
}

// average gives the colour of step×step pixels, those that can be seen counting
// for more.
func average(picture image.Image, at image.Point, step int) uint32 {
	var r, g, b, a uint32 // multiplied by alpha
	n := uint32(step * step)
	for y := range step {
		for x := range step {
			pr, pg, pb, pa := picture.At(at.X+x, at.Y+y).RGBA()
			r, g, b, a = r+pr, g+pg, b+pb, a+pa
		}
	}
	c := color.NRGBAModel.Convert(color.RGBA64{uint16(r / n), uint16(g / n), uint16(b / n), uint16(a / n)}).(color.NRGBA)
	return uint32(c.A)<<24 | uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B)
}
