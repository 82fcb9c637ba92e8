//go:build e2e && linux

package capture

import (
	"image"
	"testing"

	"hither/mirror/codec"
)

func TestX11LeavesOutWhatIsNotNeeded(t *testing.T) {
	onBoth(t, xLeavesOutWhatIsNotNeeded)
}

func xLeavesOutWhatIsNotNeeded(t *testing.T, x xsource) {
	display, config, _ := x(t, "1280x1024x24")
	s, err := X11(t.Context(), config)
	c := draw(t, s, err)
	fill := func(color string) { run(t, on(display, "xsetroot", "-solid", color)) }
	fill("#111111")
	c.until(t, "first picture", c.matches(t, display))

	source := s.(Sparing)
	look := &codec.Look{Area: image.Rect(0, 0, 1280, 1024), Rects: []image.Rectangle{{Max: image.Pt(1280, 32)}}}
	source.Spare(look)
	fill("#222222")
	c.until(t, "a part", func() bool { return c.look == look })
	if top, rest := c.pixel(image.Pt(5, 5)), c.pixel(image.Pt(700, 700)); top != 0x222222 || rest != 0x111111 {
		t.Errorf("it has %x of the part, and %x of the rest", top, rest)
	}
	source.Fetch()
	c.until(t, "the rest", c.matches(t, display))

	look.Area.Max.Y = 500
	source.Spare(look)
	fill("#333333")
	c.until(t, "what reaches out of the area", c.matches(t, display))

	look = &codec.Look{Area: image.Rect(0, 0, 1280, 1024), Rects: look.Rects}
	source.Spare(look)
	fill("#444444")
	c.until(t, "a part again", func() bool { return c.look == look })
	source.Spare(nil)
	fill("#555555")
	c.until(t, "all again", c.matches(t, display))
}
