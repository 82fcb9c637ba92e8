package record

import (
	"image"

	"hither/mirror/yuv"
)

// inside gives the largest place of a picture's shape in the middle of a frame,
// at even corners.
func inside(picture, frame image.Point) image.Rectangle {
	size := image.Pt(frame.X, picture.Y*frame.X/picture.X)
	if size.Y > frame.Y {
		size = image.Pt(picture.X*frame.Y/picture.Y, frame.Y)
	}
	size = image.Pt(max(1, size.X), max(1, size.Y))
	at := image.Pt((frame.X-size.X)/2&^1, (frame.Y-size.Y)/2&^1)
	return image.Rectangle{Max: size}.Add(at)
}

// black fills an image.
func black(m *yuv.Image) {
	for i, plane := range m.Planes {
		value := byte(16)
		if i > 0 {
			value = 128
		}
		for j := range plane {
			plane[j] = value
		}
	}
}
