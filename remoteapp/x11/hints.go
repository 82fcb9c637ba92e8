package x11

import "image"

// Limits are the least and largest size a window wants; 0 is none.
type Limits struct{ Min, Max image.Point }

// parseHints reads WM_NORMAL_HINTS (ICCCM 4.1.2.3). A window without a least
// size has its base size as one.
func parseHints(v []uint32) (l Limits) {
	const minSize, maxSize, baseSize = 1 << 4, 1 << 5, 1 << 8
	if len(v) < 15 {
		return l
	}
	size := func(at int) image.Point { return image.Pt(side(v[at]), side(v[at+1])) }
	switch {
	case v[0]&minSize != 0:
		l.Min = size(5)
	case v[0]&baseSize != 0 && len(v) >= 17:
		l.Min = size(15)
	}
	if v[0]&maxSize != 0 {
		l.Max = size(7)
		l.Max.X, l.Max.Y = atLeast(l.Max.X, l.Min.X), atLeast(l.Max.Y, l.Min.Y)
	}
	return l
}

// side reads a length; nonsense is none.
func side(v uint32) int {
	if v > 32767 {
		return 0
	}
	return int(v)
}

// atLeast keeps a largest length, unless it is none, from being below the least.
func atLeast(largest, least int) int {
	if largest == 0 {
		return 0
	}
	return max(largest, least)
}

// Shrink takes what is not shown of a window off its limits.
func (l Limits) Shrink(by image.Point) Limits {
	less := func(p image.Point) image.Point {
		if p.X > 0 {
			p.X = max(1, p.X-by.X)
		}
		if p.Y > 0 {
			p.Y = max(1, p.Y-by.Y)
		}
		return p
	}
	return Limits{less(l.Min), less(l.Max)}
}

// parseInset gives the rectangle that is shown of a window of this size and
// border, from the corner inside the border: all but the shadow that it draws
// around itself (_GTK_FRAME_EXTENTS: left, right, top, bottom).
func parseInset(size image.Point, border int, extents []uint32) image.Rectangle {
	all := image.Rectangle{Max: size}.Inset(-border)
	if len(extents) != 4 {
		return all
	}
	const most = 8192
	var e [4]int
	sum := 0
	for i, v := range extents {
		if v > most {
			return all
		}
		e[i] = int(v)
		sum += e[i]
	}
	if sum == 0 || e[0]+e[1] >= size.X || e[2]+e[3] >= size.Y {
		return all
	}
	return image.Rect(e[0], e[2], size.X-e[1], size.Y-e[3])
}

// undecorated reads _MOTIF_WM_HINTS (flags, functions, decorations, …): whether
// the window says that it wants no decorations at all.
func undecorated(v []uint32) bool {
	const decorations = 1 << 1
	return len(v) >= 3 && v[0]&decorations != 0 && v[2] == 0
}
