package surface

import (
	"fmt"
	"image"
	"image/color"
	"time"

	"hither/mirror/record"
)

// Recording says what becomes of pictures that the person wants kept.
type Recording struct {
	// File is recorded into from the first picture on; default none.
	File string
	// Next names the file of a recording that begins with Ctrl+Alt+R; nil
	// means that there is none.
	Next func() (string, error)
	// Ended is told of each recording: what it holds, and why it ended if that
	// was not wanted; one call at a time, from any goroutine. nil is not told.
	// Run waits for it.
	Ended func(record.Summary, error)
}

var markColor = color.RGBA{0xe5, 0x48, 0x4d, 0xff}

// drawMark draws the sign of a recording that lasts: a red disc and the time.
func drawMark(lasts time.Duration, host color.RGBA) *image.RGBA {
	const side, middle = 2 * charWidth, padding - 2 + rowHeight/2
	text := span(lasts)
	p := panel(side+len(text)*charWidth, 1, host)
	for y := range p.Rect.Dy() {
		for x := range side {
			if dx, dy := x-5, y-middle; dx*dx+dy*dy <= 5*5 {
				p.SetRGBA(stripe+padding+x, y, markColor)
			}
		}
	}
	write(p, side, 0, valueColor, text)
	return p
}

// span writes a length of time as players do.
func span(d time.Duration) string {
	s := int(d.Seconds())
	if s < 3600 {
		return fmt.Sprintf("%02d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
