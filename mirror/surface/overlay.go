package surface

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"
)

// Colours and measures of what is written over a picture.
var (
	panelColor = color.RGBA{0x16, 0x18, 0x1d, 0xff}
	lineColor  = color.RGBA{0x2e, 0x33, 0x3d, 0xff}
	nameColor  = color.RGBA{0x98, 0xa1, 0xb0, 0xff}
	valueColor = color.RGBA{0xe8, 0xea, 0xed, 0xff}
)

const (
	charWidth  = 8
	rowHeight  = 20
	ascent     = 15
	padding    = 12
	stripe     = 3 // of the host's colour, at the left
	nameChars  = 9
	valueChars = 21
)

// row is a number with its name.
type row struct{ name, value string }

// rows are what the overlay shows of two readings of the meter.
func rows(before, now reading, picture image.Point, online bool, path, sound string) []row {
	fps, rate := now.since(before)
	latency := "measuring"
	switch {
	case !online:
		latency = "offline"
	case now.latency > 0:
		latency = fmt.Sprintf("%.2f ms", now.latency.Seconds()*1000)
	}
	return []row{
		{"latency", latency},
		{"frame", age(now.age)},
		{"rate", fmt.Sprintf("%.0f fps, %s/s", fps, size(rate))},
		{"codec", now.codec},
		{"path", path},
		{"sound", sound},
		{"picture", fmt.Sprintf("%d × %d", picture.X, picture.Y)},
	}
}

func age(d time.Duration) string {
	switch {
	case d < 0:
		return "none yet"
	case d < time.Second:
		return fmt.Sprintf("%d ms ago", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s ago", d.Seconds())
	}
	return fmt.Sprintf("%d min ago", int(d.Minutes()))
}

// size writes a number of bytes in IEC units.
func size(bytes float64) string {
	unit := 0
	units := []string{"B", "KiB", "MiB", "GiB"}
	for bytes >= 1024 && unit < len(units)-1 {
		bytes /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return fmt.Sprintf("%.1f %s", bytes, units[unit])
}

// drawRows draws names and values as a table whose size stays the same.
func drawRows(list []row, host color.RGBA) *image.RGBA {
	p := panel((nameChars+valueChars)*charWidth, len(list), host)
	for i, r := range list {
		write(p, 0, i, nameColor, r.name)
		write(p, nameChars*charWidth, i, valueColor, r.value)
	}
	return p
}

// drawNote draws one line.
func drawNote(text string, host color.RGBA) *image.RGBA {
	p := panel(len([]rune(text))*charWidth, 1, host)
	write(p, 0, 0, valueColor, text)
	return p
}

// panel draws the ground for so many lines of a width.
func panel(width, lines int, host color.RGBA) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, stripe+2*padding+width, lines*rowHeight+2*padding-4))
	draw.Draw(p, p.Bounds(), image.NewUniform(lineColor), image.Point{}, draw.Src)
	draw.Draw(p, p.Bounds().Inset(1), image.NewUniform(panelColor), image.Point{}, draw.Src)
	draw.Draw(p, image.Rect(0, 0, stripe, p.Bounds().Dy()), image.NewUniform(host), image.Point{}, draw.Src)
	return p
}

func write(p *image.RGBA, x, line int, c color.Color, text string) {
	d := font.Drawer{Dst: p, Src: image.NewUniform(c), Face: inconsolata.Regular8x16,
		Dot: fixed.P(stripe+padding+x, padding-2+line*rowHeight+ascent)}
	d.DrawString(text)
}
