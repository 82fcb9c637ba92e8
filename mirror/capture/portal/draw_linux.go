//go:build amd64 || arm64

package portal

import (
	"image"

	"hither/mirror/codec"
	"hither/mirror/pipewire"
)

// draw copies a rectangle of a frame into the same place of a picture. r lies
// in both.
func draw(p *codec.Picture, f *pipewire.Frame, r image.Rectangle) {
	if f.Turn != 0 {
		turn(p, f)
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		to := p.Pix[y*p.Stride+r.Min.X*4 : y*p.Stride+r.Max.X*4]
		copy(to, f.Pix[y*f.Stride+r.Min.X*4:])
		if f.Swapped {
			swap(to)
		}
	}
}

// swap turns R G B X into B G R X.
func swap(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		pix[i], pix[i+2] = pix[i+2], pix[i]
	}
}

// sideways says whether a turn exchanges width and height.
func sideways(turn uint32) bool { return turn&1 != 0 }

// turn draws a frame of a monitor that stands on its side or upside down: the
// frame is as the monitor gets it. Turns are those of wl_output, whose numbers
// PipeWire took over: quarters counter-clockwise in the low bits, and 4 a
// mirrored picture.
func turn(p *codec.Picture, f *pipewire.Frame) {
	for y := range p.Height {
		for x := range p.Width {
			u, v := x, y
			if f.Turn&4 != 0 {
				u = p.Width - 1 - x
			}
			switch f.Turn & 3 {
			case 1:
				u, v = v, f.Height-1-u
			case 2:
				u, v = f.Width-1-u, f.Height-1-v
			case 3:
				u, v = f.Width-1-v, u
			}
			copy(p.Pix[y*p.Stride+x*4:][:4], f.Pix[v*f.Stride+u*4:])
		}
		if f.Swapped {
			swap(p.Pix[y*p.Stride:][:p.Width*4])
		}
	}
}
