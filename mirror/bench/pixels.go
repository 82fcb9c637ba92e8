//go:build linux

package main

import "image"

// strong is how far a channel must move to count as drawn, and not as the noise
// of a lossy codec.
const strong = 48

func stronglyDiffers(a, b []byte) bool {
	for i := range 3 {
		if d := int(a[i]) - int(b[i]); d > strong || d < -strong {
			return true
		}
	}
	return false
}

// clearly says whether at least one pixel in 25 changed strongly. Pixels have
// four bytes.
func clearly(a, b []byte) bool {
	n := 0
	for i := 0; i+3 < len(a) && i+3 < len(b); i += 4 {
		if stronglyDiffers(a[i:], b[i:]) {
			n++
		}
	}
	return n*25 >= len(a)/4
}

// difference gives the bounds of what changed strongly in a picture of some
// width.
func difference(a, b []byte, width int) image.Rectangle {
	var r image.Rectangle
	for i := 0; i+3 < len(a) && i+3 < len(b); i += 4 {
		if stronglyDiffers(a[i:], b[i:]) {
			x, y := i/4%width, i/4/width
			r = r.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	return r
}

// different counts the pixels that are not equal.
func different(a, b []byte) int {
	n := 0
	for i := 0; i+3 < len(a) && i+3 < len(b); i += 4 {
		if a[i] != b[i] || a[i+1] != b[i+1] || a[i+2] != b[i+2] {
			n++
		}
	}
	return n
}
