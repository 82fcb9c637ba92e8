//go:build amd64 || arm64

package vpx

import (
	"structs"
	"unsafe"
)

// The structures of libvpx as C lays them out for 64-bit Linux. layout_test.go
// holds the offsets against those that a C compiler gives; open asks the loaded
// library itself.

// context is vpx_codec_ctx_t, with room behind it.
type context struct {
	_ structs.HostLayout

	name      unsafe.Pointer
	iface     unsafe.Pointer
	err       int32
	detail    unsafe.Pointer
	initFlags int
	config    unsafe.Pointer
	private   unsafe.Pointer
	_         [64]byte
}

// picture is vpx_image_t.
type picture struct {
	_ structs.HostLayout

	format        uint32
	colourSpace   int32
	colourRange   int32
	w, h          uint32
	bitDepth      uint32
	shownW        uint32
	shownH        uint32
	renderW       uint32
	renderH       uint32
	shiftX        uint32
	shiftY        uint32
	planes        [4]unsafe.Pointer
	strides       [4]int32
	bitsPerSample int32
	user          unsafe.Pointer
	data          unsafe.Pointer
	dataOwner     int32
	allocated     int32
	buffer        unsafe.Pointer
}

// encoderConfig is vpx_codec_enc_cfg_t as far as it is used here. What follows
// has grown from release to release; the library fills it in and finds it again.
type encoderConfig struct {
	_ structs.HostLayout

	usage             uint32
	threads           uint32
	profile           uint32
	w, h              uint32
	bitDepth          uint32
	inputBitDepth     uint32
	timebaseNum       int32
	timebaseDen       int32
	resilient         uint32
	pass              int32
	lag               uint32
	dropThreshold     uint32
	resizeAllowed     uint32
	scaledW, scaledH  uint32
	resizeUp          uint32
	resizeDown        uint32
	endUsage          int32
	_                 [4]byte
	twoPassStats      [2]uintptr
	firstPassStats    [2]uintptr
	bitrate           uint32
	minQuantizer      uint32
	maxQuantizer      uint32
	undershoot        uint32
	overshoot         uint32
	bufferSize        uint32
	bufferInitialSize uint32
	bufferOptimalSize uint32
	biasPercent       uint32
	minSection        uint32
	maxSection        uint32
	corpusComplexity  uint32
	keyMode           int32
	keyMinDistance    uint32
	keyMaxDistance    uint32
	_                 [1024]byte
}

// packet is vpx_codec_cx_pkt_t that holds a frame.
type packet struct {
	_ structs.HostLayout

	kind     int32
	data     unsafe.Pointer
	size     uintptr
	pts      int64
	duration uint
	flags    uint32
}

// decoderConfig is vpx_codec_dec_cfg_t.
type decoderConfig struct {
	_ structs.HostLayout

	threads, w, h uint32
}

// defaults says whether the library's own defaults for VP9 stand where they are
// expected, of which libvpx/vp9/vp9_cx_iface.c has the list.
func (c *encoderConfig) defaults() bool {
	return c.usage == 0 && c.w == 320 && c.h == 240 && c.bitDepth == 8 && c.inputBitDepth == 8 &&
		c.timebaseNum == 1 && c.timebaseDen == 30 && c.resizeUp == 60 && c.resizeDown == 30 &&
		c.bitrate == 256 && c.minQuantizer == 0 && c.maxQuantizer == 63 &&
		c.bufferSize == 6000 && c.bufferInitialSize == 4000 && c.bufferOptimalSize == 5000 &&
		c.maxSection == 2000 && c.keyMode == 1
}
