package yuv

// fromBGRX is FromBGRX without libyuv.
func (m *Image) fromBGRX(pix []byte, stride int) {
	for y := range m.Height {
		luma(m.row(0, y), pix[y*stride:])
	}
	_, rows := m.Size(1)
	for y := range rows {
		u, v := m.row(1, y), m.row(2, y)
		if m.Full {
			chroma(u, v, pix[y*stride:])
			continue
		}
		// The last row of an odd height stands for two.
		above := pix[2*y*stride:]
		below := pix[min(2*y+1, m.Height-1)*stride:]
		chromaHalf(u, v, above[:m.Width*4], below[:m.Width*4])
	}
}

func luma(to, pix []byte) {
	pix = pix[:len(to)*4]
	for i := range to {
		b, g, r := int(pix[i*4]), int(pix[i*4+1]), int(pix[i*4+2])
		to[i] = byte((66*r+129*g+25*b+128)>>8 + 16)
	}
}

func chroma(u, v, pix []byte) {
	pix, v = pix[:len(u)*4], v[:len(u)]
	for i := range u {
		u[i], v[i] = uv(int(pix[i*4]), int(pix[i*4+1]), int(pix[i*4+2]))
	}
}

// chromaHalf takes the mean of two by two pixels.
func chromaHalf(u, v, above, below []byte) {
	last := len(above) - 4
	for i := range u {
		a, b := i*8, min(i*8+4, last)
		u[i], v[i] = uv(
			(int(above[a])+int(above[b])+int(below[a])+int(below[b])+2)>>2,
			(int(above[a+1])+int(above[b+1])+int(below[a+1])+int(below[b+1])+2)>>2,
			(int(above[a+2])+int(above[b+2])+int(below[a+2])+int(below[b+2])+2)>>2)
	}
}

func uv(b, g, r int) (u, v byte) {
	return byte((112*b - 74*g - 38*r + 0x8080) >> 8), byte((112*r - 94*g - 18*b + 0x8080) >> 8)
}

// toBGRX is ToBGRX without libyuv.
func (m *Image) toBGRX(pix []byte, stride int) {
	shift := 1
	if m.Full {
		shift = 0
	}
	for y := range m.Height {
		colours(pix[y*stride:][:m.Width*4], m.row(0, y), m.row(1, y>>shift), m.row(2, y>>shift), shift)
	}
}

// Factors of BT.601 in 1/65536.
const (
	yScale = 76309
	vToR   = 104597
	uToG   = 25675
	vToG   = 53279
	uToB   = 132201
)

func colours(pix, y, u, v []byte, shift int) {
	for i, luma := range y {
		l := (int(luma)-16)*yScale + 1<<15
		cb, cr := int(u[i>>shift])-128, int(v[i>>shift])-128
		pix[i*4] = clamp(l + cb*uToB)
		pix[i*4+1] = clamp(l - cb*uToG - cr*vToG)
		pix[i*4+2] = clamp(l + cr*vToR)
		pix[i*4+3] = 255
	}
}

func clamp(n int) byte { return byte(max(0, min(n>>16, 255))) }

// scale is Scale of one plane without libyuv.
func (m *Image) scale(src *Image, plane int) {
	w, h := m.Size(plane)
	sw, sh := src.Size(plane)
	for y := range h {
		top, bottom, part := between(y, h, sh)
		a, b := src.row(plane, top), src.row(plane, bottom)
		to := m.row(plane, y)
		for x := range w {
			l, r, p := between(x, w, sw)
			upper := int(a[l])<<8 + (int(a[r])-int(a[l]))*p
			lower := int(b[l])<<8 + (int(b[r])-int(b[l]))*p
			to[x] = byte((upper<<8 + (lower-upper)*part + 1<<15) >> 16)
		}
	}
}

// between gives the two samples of n between which sample i of m lies, and how
// far from the first, in 1/256.
func between(i, m, n int) (first, second, part int) {
	at := ((2*i+1)*n*256/m - 256) / 2
	at = max(0, min(at, (n-1)*256))
	return at >> 8, min(at>>8+1, n-1), at & 255
}
