package vmctl

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
)

var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// maxSide bounds a screen's width and height in pixels.
const maxSide = 8192

// toPNG passes PNG on and converts binary PPM (P6, 8 bits a sample), which older
// QEMUs give.
func toPNG(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, pngMagic) {
		return data, nil
	}
	picture, err := decodePPM(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, picture)
	return out.Bytes(), err
}

// decodePPM reads https://netpbm.sourceforge.net/doc/ppm.html
func decodePPM(r io.Reader) (image.Image, error) {
	in := bufio.NewReader(r)
	var magic [2]byte
	if _, err := io.ReadFull(in, magic[:]); err != nil || string(magic[:]) != "P6" {
		return nil, errors.New("the screenshot is neither PNG nor PPM")
	}
	var head [3]int // width, height, greatest sample
	for i := range head {
		n, err := ppmNumber(in)
		if err != nil {
			return nil, err
		}
		head[i] = n
	}
	w, h := head[0], head[1]
	if w < 1 || h < 1 || w > maxSide || h > maxSide || head[2] != 255 {
		return nil, fmt.Errorf("a screenshot of %d×%d, samples to %d", w, h, head[2])
	}
	picture := image.NewNRGBA(image.Rect(0, 0, w, h))
	row := make([]byte, 3*w)
	for y := range h {
		if _, err := io.ReadFull(in, row); err != nil {
			return nil, fmt.Errorf("a short screenshot: %w", err)
		}
		out := picture.Pix[y*picture.Stride:]
		for x := range w {
			copy(out[4*x:], row[3*x:3*x+3])
			out[4*x+3] = 255
		}
	}
	return picture, nil
}

// ppmNumber reads a number and the one white space that ends it.
func ppmNumber(in *bufio.Reader) (int, error) {
	n, digits := 0, 0
	for {
		c, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch {
		case c == '#':
			if _, err := in.ReadSlice('\n'); err != nil {
				return 0, err
			}
		case c >= '0' && c <= '9' && digits < 6:
			n, digits = 10*n+int(c-'0'), digits+1
		case (c == ' ' || c == '\n' || c == '\t' || c == '\r') && digits > 0:
			return n, nil
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
		default:
			return 0, errors.New("a broken PPM header")
		}
	}
}
