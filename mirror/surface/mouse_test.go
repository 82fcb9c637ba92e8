package surface

import (
	"image"
	"testing"
)

// TestMouseGoesOnBeyondTheWindow moves a mouse further than its window is wide.
func TestMouseGoesOnBeyondTheWindow(t *testing.T) {
	area := image.Pt(400, 200)
	m := newMouse(area)
	m.moved(image.Pt(200, 100)) // the pointer was put there
	at, total := m.last, image.Point{}
	for range 100 {
		at = at.Add(image.Pt(30, -7))
		m.moved(at)
		total = total.Add(m.take())
		if !m.strays(area) {
			continue
		}
		m.center(area)
		at = at.Add(image.Pt(5, 0)) // before the pointer is back
		m.moved(at)
		at = m.middle
		m.moved(at)
		total = total.Add(m.take())
		total.X -= 5
	}
	if want := image.Pt(3000, -700); total != want {
		t.Errorf("it moved by %v, want %v", total, want)
	}
	if at.X < 0 || at.X >= area.X || at.Y < 0 || at.Y >= area.Y {
		t.Errorf("the pointer left its window: %v", at)
	}
	if m.take() != (image.Point{}) {
		t.Error("what was taken is still there")
	}
}
