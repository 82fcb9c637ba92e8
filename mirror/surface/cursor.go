package surface

import "hither/mirror/codec"

// premultiply turns a cursor's straight R, G, B, A into the B, G, R, A with
// colours multiplied by alpha that XRender takes. A hidden cursor becomes one
// clear pixel.
func premultiply(c *codec.Cursor) (pixels []byte, width, height int) {
	if c.Width == 0 || c.Height == 0 {
		return make([]byte, 4), 1, 1
	}
	pixels = make([]byte, len(c.Pix))
	for i := 0; i+3 < len(c.Pix); i += 4 {
		alpha := uint(c.Pix[i+3])
		pixels[i] = byte((uint(c.Pix[i+2])*alpha + 127) / 255)
		pixels[i+1] = byte((uint(c.Pix[i+1])*alpha + 127) / 255)
		pixels[i+2] = byte((uint(c.Pix[i])*alpha + 127) / 255)
		pixels[i+3] = byte(alpha)
	}
	return pixels, c.Width, c.Height
}
