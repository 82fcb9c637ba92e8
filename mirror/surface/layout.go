package surface

import "image"

// frame is the width of the coloured frame in pixels.
const frame = 2

// edge is how near to the window's edge the pointer has shown all of a picture
// that is larger than the window.
const edge = 16

// place gives where the picture's corner stands in an area: in the middle when
// the picture is smaller, else moved by pan, which is clamped so that no gap
// opens. Each axis is on its own.
func place(area, picture, pan image.Point) image.Point {
	return image.Pt(placeAxis(area.X, picture.X, pan.X), placeAxis(area.Y, picture.Y, pan.Y))
}

func placeAxis(area, picture, pan int) int {
	if picture <= area {
		return (area - picture) / 2
	}
	return -max(0, min(pan, picture-area))
}

// panTo gives the pan after the pointer came to p inside the area: the picture
// is shown along each axis in proportion to where the pointer is, so that both
// ends are reached at the window's edges.
func panTo(area, picture, p image.Point) image.Point {
	return image.Pt(panAxis(area.X, picture.X, p.X), panAxis(area.Y, picture.Y, p.Y))
}

func panAxis(area, picture, p int) int {
	if picture <= area || area <= 2*edge {
		return 0
	}
	span := area - 2*edge
	return (picture - area) * max(0, min(p-edge, span)) / span
}

// toSource gives the source's pixel under a point of the area, clamped to the
// picture.
func toSource(p, origin, picture image.Point) image.Point {
	p = p.Sub(origin)
	return image.Pt(clamp(p.X, picture.X), clamp(p.Y, picture.Y))
}

func clamp(v, size int) int { return max(0, min(v, size-1)) }

// visible clips a rectangle of the picture to what the area shows of it.
func visible(r image.Rectangle, origin, area image.Point) image.Rectangle {
	return r.Intersect(image.Rectangle{Max: area}.Sub(origin))
}

// borderOf is the frame's width: it stays in full screen too, unless the
// picture needs those pixels.
func borderOf(outer, picture image.Point, full bool) int {
	fits := picture.X <= outer.X-2*frame && picture.Y <= outer.Y-2*frame
	if full && !fits {
		return 0
	}
	return frame
}

// around gives what of an area a picture leaves free, as up to four rectangles.
func around(area image.Point, picture image.Rectangle) []image.Rectangle {
	whole := image.Rectangle{Max: area}
	p := picture.Intersect(whole)
	var free []image.Rectangle
	for _, r := range []image.Rectangle{
		{Max: image.Pt(area.X, p.Min.Y)},
		{Min: image.Pt(0, p.Max.Y), Max: area},
		{Min: image.Pt(0, p.Min.Y), Max: image.Pt(p.Min.X, p.Max.Y)},
		{Min: image.Pt(p.Max.X, p.Min.Y), Max: image.Pt(area.X, p.Max.Y)},
	} {
		if !r.Empty() {
			free = append(free, r)
		}
	}
	return free
}

// darken halves the brightness of pixels.
func darken(pixels []byte) {
	for i := range pixels {
		pixels[i] >>= 1
	}
}
