package yuv

import (
	"sync"

	"github.com/ebitengine/purego"
)

// bilinear is kFilterBilinear of libyuv/scale.h.
const bilinear = 2

type (
	fromARGB func(argb *byte, stride int32, y *byte, sy int32, u *byte, su int32, v *byte, sv int32, width, height int32) int32
	toARGB   func(y *byte, sy int32, u *byte, su int32, v *byte, sv int32, argb *byte, stride int32, width, height int32) int32
)

// libyuv is the functions of libyuv.so.0. What it calls ARGB is B G R A in
// memory.
type libyuv struct {
	argbToI420, argbToI444 fromARGB
	i420ToARGB, i444ToARGB toARGB
	scalePlane             func(src *byte, stride, width, height int32, dst *byte, dstStride, dstWidth, dstHeight int32, filter int32)
}

// library loads libyuv when it is first needed; nil means that there is none.
var library = sync.OnceValue(func() *libyuv {
	handle, err := purego.Dlopen("libyuv.so.0", purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil
	}
	l := new(libyuv)
	for name, function := range map[string]any{
		"ARGBToI420": &l.argbToI420, "ARGBToI444": &l.argbToI444,
		"I420ToARGB": &l.i420ToARGB, "I444ToARGB": &l.i444ToARGB, "ScalePlane": &l.scalePlane,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil
		}
		purego.RegisterFunc(function, symbol)
	}
	return l
})

func (l *libyuv) fromBGRX(m *Image, pix []byte, stride int) {
	convert := l.argbToI420
	if m.Full {
		convert = l.argbToI444
	}
	convert(&pix[0], int32(stride), &m.Planes[0][0], int32(m.Strides[0]), &m.Planes[1][0], int32(m.Strides[1]),
		&m.Planes[2][0], int32(m.Strides[2]), int32(m.Width), int32(m.Height))
}

func (l *libyuv) toBGRX(m *Image, pix []byte, stride int) {
	convert := l.i420ToARGB
	if m.Full {
		convert = l.i444ToARGB
	}
	convert(&m.Planes[0][0], int32(m.Strides[0]), &m.Planes[1][0], int32(m.Strides[1]),
		&m.Planes[2][0], int32(m.Strides[2]), &pix[0], int32(stride), int32(m.Width), int32(m.Height))
}

func (l *libyuv) scale(m, src *Image, plane int) {
	w, h := m.Size(plane)
	sw, sh := src.Size(plane)
	l.scalePlane(&src.Planes[plane][0], int32(src.Strides[plane]), int32(sw), int32(sh),
		&m.Planes[plane][0], int32(m.Strides[plane]), int32(w), int32(h), bilinear)
}
