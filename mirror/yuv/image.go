package yuv

// Image is a picture in three planes: Y, U and V, 8 bits a sample. With Full
// all three are as large as the picture (4:4:4); without, U and V have half the
// columns and rows, rounded up (4:2:0). Row y of plane p begins at
// Planes[p][y*Strides[p]].
type Image struct {
	Width, Height int
	Full          bool
	Planes        [3][]byte
	Strides       [3]int
}

// align is what rows are rounded up to, so that vectors end inside them.
const align = 32

// New makes an image of undefined samples.
func New(width, height int, full bool) *Image {
	m := &Image{Width: width, Height: height, Full: full}
	for p := range m.Planes {
		w, h := m.Size(p)
		m.Strides[p] = (w + align - 1) / align * align
		m.Planes[p] = make([]byte, m.Strides[p]*h)
	}
	return m
}

// Size is the columns and rows of a plane.
func (m *Image) Size(plane int) (width, height int) {
	if plane == 0 || m.Full {
		return m.Width, m.Height
	}
	return (m.Width + 1) / 2, (m.Height + 1) / 2
}

// row gives the samples of row y of a plane.
func (m *Image) row(plane, y int) []byte {
	w, _ := m.Size(plane)
	return m.Planes[plane][y*m.Strides[plane]:][:w]
}

// Sub is a part of the image that shares its samples. Without Full the corner
// must be at even places.
func (m *Image) Sub(x, y, width, height int) *Image {
	part := &Image{Width: width, Height: height, Full: m.Full, Strides: m.Strides}
	for p := range m.Planes {
		if p == 1 && !m.Full {
			x, y = x/2, y/2
		}
		part.Planes[p] = m.Planes[p][y*m.Strides[p]+x:]
	}
	return part
}

// FromBGRX fills the image from pixels of four bytes, B G R X, whose rows are
// stride bytes apart. pix begins at the first pixel.
func (m *Image) FromBGRX(pix []byte, stride int) {
	_ = pix[(m.Height-1)*stride+m.Width*4-1]
	if l := library(); l != nil {
		l.fromBGRX(m, pix, stride)
		return
	}
	m.fromBGRX(pix, stride)
}

// ToBGRX writes the image as pixels of B G R X, X 255.
func (m *Image) ToBGRX(pix []byte, stride int) {
	_ = pix[(m.Height-1)*stride+m.Width*4-1]
	if l := library(); l != nil {
		l.toBGRX(m, pix, stride)
		return
	}
	m.toBGRX(pix, stride)
}

// Scale fills m with src in m's size, bilinear. Both are 4:2:0, or both 4:4:4.
func (m *Image) Scale(src *Image) {
	if m.Full != src.Full {
		panic("yuv: scaling between samplings")
	}
	l := library()
	for p := range m.Planes {
		if l != nil {
			l.scale(m, src, p)
		} else {
			m.scale(src, p)
		}
	}
}
