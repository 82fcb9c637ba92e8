//go:build linux

package main

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jezek/xgb/xproto"
)

const (
	framesPerSecond = 30
	filmFrames      = 24 // different pictures; they are shown to and fro
)

// film is a moving picture without a resting pixel: two layers of clouds that
// pass each other, with grain. It is painted once into pixmaps of the X server,
// so that playing it costs next to nothing of the CPU that the mirror needs.
type film struct {
	frames []xproto.Pixmap
}

// load paints the frames.
func (f *film) load(c *canvas) error {
	if f.frames != nil {
		return nil
	}
	far, near := newClouds(c.random, 6), newClouds(c.random, 4)
	screen := xproto.Setup(c.conn).DefaultScreen(c.conn)
	pix := make([]byte, width*height*4)
	for n := range filmFrames {
		paint(pix, far, near, n, c.random)
		id, err := xproto.NewPixmapId(c.conn)
		if err != nil {
			return err
		}
		err = xproto.CreatePixmapChecked(c.conn, screen.RootDepth, id, xproto.Drawable(c.win), width, height).Check()
		if err != nil {
			return err
		}
		const rows = 30 // a request has at most 256 KiB
		for y := 0; y < height; y += rows {
			xproto.PutImage(c.conn, xproto.ImageFormatZPixmap, xproto.Drawable(id), c.gc, width, rows, 0, int16(y), 0,
				screen.RootDepth, pix[y*width*4:(y+rows)*width*4])
		}
		f.frames = append(f.frames, id)
	}
	return nil
}

// side is the width of a square of clouds, which goes on at its other side.
const side = 1024

// newClouds makes smooth noise of several sizes, the largest 2^octaves pixels.
func newClouds(random *rand.Rand, octaves int) []byte {
	sum := make([]float32, side*side)
	for o := 2; o <= octaves; o++ {
		cell := 1 << o
		n := side / cell
		knots := make([]float32, n*n)
		for i := range knots {
			knots[i] = random.Float32() * float32(cell)
		}
		for y := range side {
			for x := range side {
				sum[y*side+x] += between(knots, n, float32(x)/float32(cell), float32(y)/float32(cell))
			}
		}
	}
	top := float32(int(2)<<octaves - 4) // the sum of the cells
	pix := make([]byte, len(sum))
	for i, v := range sum {
		pix[i] = byte(v / top * 255)
	}
	return pix
}

// between interpolates an n by n field of knots.
func between(knots []float32, n int, x, y float32) float32 {
	x0, y0 := int(x), int(y)
	fx, fy := x-float32(x0), y-float32(y0)
	at := func(x, y int) float32 { return knots[y%n*n+x%n] }
	top := at(x0, y0)*(1-fx) + at(x0+1, y0)*fx
	low := at(x0, y0+1)*(1-fx) + at(x0+1, y0+1)*fx
	return top*(1-fy) + low*fy
}

// paint paints frame n: the far clouds move 4 pixels a frame, the near ones 11
// the other way.
func paint(pix, far, near []byte, n int, random *rand.Rand) {
	grain := random.Uint64()
	for y := range height {
		a, b := far[(y+2*n)%side*side:], near[(y+3*n)%side*side:]
		for x := range width {
			grain ^= grain << 13
			grain ^= grain >> 7
			grain ^= grain << 17
			v, w := int(a[(x+4*n)%side]), int(b[(x+4096-11*n)%side])
			g := int(grain & 3)
			p := pix[(y*width+x)*4:]
			p[0], p[1], p[2] = byte(min(255, v+g)), byte(min(255, (v+w)/2+g)), byte(min(255, w+g))
		}
	}
}

// The number of a frame stands in its picture: bits of so many pixels, the
// lowest first, white for 1.
const (
	bits    = 16
	bitSize = 24
	bitsX   = 48
	bitsY   = 48
)

// play shows the film and gives when each frame was drawn, in nanoseconds.
func (c *canvas) play(length time.Duration) string {
	ticker := time.NewTicker(time.Second / framesPerSecond)
	defer ticker.Stop()
	var drawn []string
	for n := 1; n <= int(length.Seconds()*framesPerSecond); n++ {
		<-ticker.C
		frame := c.film.frames[toAndFro(n, filmFrames)]
		c.stamp(xproto.Drawable(frame), n)
		drawn = append(drawn, strconv.FormatInt(time.Now().UnixNano(), 10))
		xproto.CopyArea(c.conn, xproto.Drawable(frame), xproto.Drawable(c.win), c.gc, 0, 0, 0, 0, width, height)
	}
	return strings.Join(drawn, " ")
}

func toAndFro(n, frames int) int {
	n %= 2*frames - 2
	return min(n, 2*frames-2-n)
}

// stamp writes a number into a picture.
func (c *canvas) stamp(on xproto.Drawable, number int) {
	var white []xproto.Rectangle
	for i := range bits {
		if number>>i&1 == 1 {
			white = append(white, xproto.Rectangle{X: int16(bitsX + i*bitSize), Y: bitsY, Width: bitSize, Height: bitSize})
		}
	}
	xproto.ChangeGC(c.conn, c.gc, xproto.GcForeground, []uint32{0})
	xproto.PolyFillRectangle(c.conn, on, c.gc, []xproto.Rectangle{{X: bitsX, Y: bitsY, Width: bits * bitSize, Height: bitSize}})
	xproto.ChangeGC(c.conn, c.gc, xproto.GcForeground, []uint32{0xffffff})
	xproto.PolyFillRectangle(c.conn, on, c.gc, white)
	xproto.ChangeGC(c.conn, c.gc, xproto.GcForeground, []uint32{0xe0e0e0})
}
