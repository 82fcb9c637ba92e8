package surface

import "image"

// direction is what a window manager is asked to do with the pointer
// (_NET_WM_MOVERESIZE of the Extended Window Manager Hints).
type direction uint32

const (
	northWest direction = iota
	north
	northEast
	east
	southEast
	south
	southWest
	west
	move
)

// cornerLength is how long the part of an edge is that resizes both ways.
const cornerLength = 16

// edgeAt gives the edge of something of a size that p is near to, within a
// margin; move is none.
func edgeAt(p, size image.Point, margin int) direction {
	near := func(v, length, margin int) int {
		switch {
		case v < margin:
			return 0
		case v >= length-margin:
			return 2
		}
		return 1
	}
	x, y := near(p.X, size.X, margin), near(p.Y, size.Y, margin)
	if x == 1 && y == 1 {
		return move
	}
	reach := max(margin, cornerLength)
	if x == 1 {
		x = near(p.X, size.X, reach)
	}
	if y == 1 {
		y = near(p.Y, size.Y, reach)
	}
	return [3][3]direction{
		{northWest, north, northEast},
		{west, move, east},
		{southWest, south, southEast},
	}[y][x]
}
