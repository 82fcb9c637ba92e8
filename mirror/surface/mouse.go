package surface

import "image"

// mouse is the person's mouse while a screen holds it: one that takes how far it
// moved, not where the pointer is. The pointer rests unseen around the middle of the
// window and is put back there before it comes to an edge, where it could not go on.
type mouse struct {
	last   image.Point // where the pointer was
	sum    image.Point // how far it moved since take
	middle image.Point
	back   bool // it was put in the middle, which is not yet heard of
}

// newMouse holds the mouse in a window's area of a size; put it in the middle.
func newMouse(area image.Point) *mouse {
	m := &mouse{}
	m.center(area)
	m.last = m.middle
	return m
}

func (m *mouse) center(area image.Point) { m.middle, m.back = area.Div(2), true }

// moved notes that the pointer is at a place. To be put in the middle is no motion.
func (m *mouse) moved(at image.Point) {
	if m.back && at == m.middle {
		m.back = false
	} else {
		m.sum = m.sum.Add(at.Sub(m.last))
	}
	m.last = at
}

// take gives how far the mouse moved since it was called last.
func (m *mouse) take() image.Point {
	sum := m.sum
	m.sum = image.Point{}
	return sum
}

// strays says whether the pointer is so far off that it should be put back.
func (m *mouse) strays(area image.Point) bool {
	off := m.last.Sub(area.Div(2))
	return !m.back && (max(off.X, -off.X) > area.X/4 || max(off.Y, -off.Y) > area.Y/4)
}
