package surface

import "image"

// maxPuts bounds the requests of one frame: each costs the display about as
// much as some thousand pixels do.
const maxPuts = 12

// merge joins rectangles where that draws few pixels more, and into one when
// too many are left. It works in the slice.
func merge(rects []image.Rectangle) []image.Rectangle {
	kept := rects[:0]
	for _, r := range rects {
		kept = join(kept, r)
	}
	if len(kept) <= maxPuts {
		return kept
	}
	all := kept[0]
	for _, r := range kept[1:] {
		all = all.Union(r)
	}
	return append(kept[:0], all)
}

// join adds r to the newest neighbour that it fits to, else to the end.
func join(rects []image.Rectangle, r image.Rectangle) []image.Rectangle {
	for i := len(rects) - 1; i >= max(0, len(rects)-maxPuts); i-- {
		both := rects[i].Union(r)
		if pixels(both) <= pixels(rects[i])+pixels(r)+2048 {
			rects[i] = both
			return rects
		}
	}
	return append(rects, r)
}

func pixels(r image.Rectangle) int { return r.Dx() * r.Dy() }
