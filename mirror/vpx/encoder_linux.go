//go:build amd64 || arm64

package vpx

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"hither/mirror/yuv"
)

// Controls and values of vpx/vp8cx.h and vpx_encoder.h.
const (
	setSpeed        = 13 // VP8E_SET_CPUUSED
	setStatic       = 17 // VP8E_SET_STATIC_THRESHOLD
	setMaxIntra     = 26 // VP8E_SET_MAX_INTRA_BITRATE_PCT
	setTileColumns  = 33
	setFrameThreads = 35 // VP9E_SET_FRAME_PARALLEL_DECODING
	setAdaptive     = 36 // VP9E_SET_AQ_MODE
	setContent      = 43 // VP9E_SET_TUNE_CONTENT
	setColourSpace  = 46
	setRowThreads   = 55 // VP9E_SET_ROW_MT

	screenContent = 1
	bt601         = 1
	constantRate  = 1
	forceKey      = 1
	realTime      = 1

	formatI420 = 0x102
	formatI444 = 0x106
)

// Encoder makes a VP9 stream. It is not safe for use from several goroutines.
type Encoder struct {
	lib    *libvpx
	cfg    Config
	ctx    *context
	native *encoderConfig
	image  picture
	last   time.Time // of the last frame
	pts    int64     // of the next frame, in milliseconds
}

// longest is how long a frame counts for the rate, in milliseconds: where
// frames come seldom they must not become the larger for it.
const longest = 40

// NewEncoder opens an encoder. It promises ErrUnsupported where libvpx is not
// there. Close it when done.
func NewEncoder(cfg Config) (*Encoder, error) {
	lib, err := encoders()
	if err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	e := &Encoder{lib: lib, cfg: cfg.withDefaults(), ctx: new(context), native: new(encoderConfig)}
	if err := e.open(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Encoder) open() error {
	l, c := e.lib, e.native
	l.defaults(l.encoder(), c, 0)
	c.threads, c.w, c.h = uint32(e.cfg.Threads), uint32(e.cfg.Width), uint32(e.cfg.Height)
	if e.cfg.Full {
		c.profile = 1
	}
	c.timebaseNum, c.timebaseDen = 1, 1000
	c.lag, c.resilient, c.dropThreshold, c.resizeAllowed = 0, 0, 0, 0
	c.endUsage, c.bitrate = constantRate, uint32(e.cfg.Bitrate/1000)
	c.minQuantizer, c.maxQuantizer = 4, 52
	c.undershoot, c.overshoot = 50, 50
	c.bufferSize, c.bufferInitialSize, c.bufferOptimalSize = 1000, 500, 600
	c.keyMode = 0 // only when asked for
	if code := l.initEncode(e.ctx, l.encoder(), c, 0, l.encoderABI); code != 0 {
		return l.failure(e.ctx, code)
	}
	for _, control := range [][2]int32{
		{setSpeed, int32(e.cfg.Speed)}, {setContent, screenContent}, {setColourSpace, bt601}, {setRowThreads, 1},
		{setTileColumns, tileColumns(e.cfg)}, {setFrameThreads, 0}, {setAdaptive, 0}, {setStatic, 1}, {setMaxIntra, 900},
	} {
		if code := l.control(e.ctx, control[0], control[1]); code != 0 {
			return errors.Join(l.failure(e.ctx, code), e.Close())
		}
	}
	return nil
}

// tileColumns is the base-2 logarithm of how many columns of tiles are coded
// side by side: as many as there are threads, where the width allows it.
func tileColumns(c Config) int32 {
	n := int32(0)
	for 1<<n < c.Threads && c.Width>>(n+1) >= 256 {
		n++
	}
	return n
}

// Encode codes the next picture, shown at the time now; frames share out the rate
// by their times. The data is valid until the next Encode. The first frame is a key frame, and any for which key is set.
func (e *Encoder) Encode(m *yuv.Image, now time.Time, key bool) ([]byte, error) {
	if m.Width != e.cfg.Width || m.Height != e.cfg.Height || m.Full != e.cfg.Full {
		return nil, errors.New("vpx: a picture of another size")
	}
	lasted := max(1, min(now.Sub(e.last).Milliseconds(), longest))
	e.last = now
	e.pts += lasted
	flags := 0
	if key {
		flags = forceKey
	}
	e.point(m)
	code := e.lib.encode(e.ctx, &e.image, e.pts, uint(lasted), flags, realTime)
	runtime.KeepAlive(m)
	if code != 0 {
		return nil, e.lib.failure(e.ctx, code)
	}
	var iter unsafe.Pointer
	for p := e.lib.packet(e.ctx, &iter); p != nil; p = e.lib.packet(e.ctx, &iter) {
		if p.kind == 0 {
			return unsafe.Slice((*byte)(p.data), p.size), nil
		}
	}
	return nil, errors.New("libvpx: no frame came out")
}

// point makes the image that libvpx reads point to m's planes.
func (e *Encoder) point(m *yuv.Image) {
	w, h := uint32(m.Width), uint32(m.Height)
	e.image = picture{format: formatI420, colourSpace: bt601, w: w, h: h, bitDepth: 8, shownW: w, shownH: h,
		shiftX: 1, shiftY: 1, bitsPerSample: 12}
	if m.Full {
		e.image.format, e.image.shiftX, e.image.shiftY, e.image.bitsPerSample = formatI444, 0, 0, 24
	}
	for i, plane := range m.Planes {
		e.image.planes[i], e.image.strides[i] = unsafe.Pointer(&plane[0]), int32(m.Strides[i])
	}
}

// leastResized is the least side after Resize: of two lines libvpx 1.12 never comes
// back.
const leastResized = 16

// Resize changes the size of the pictures, to at least leastResized and at most the
// size with which the encoder was opened; that is much faster than opening another. The next frame
// must be a key frame.
func (e *Encoder) Resize(width, height int) error {
	cfg := e.cfg
	cfg.Width, cfg.Height = width, height
	if err := cfg.check(); err != nil {
		return err
	}
	if min(width, height) < leastResized {
		return fmt.Errorf("vpx: %d×%d is too small to change to", width, height)
	}
	e.native.w, e.native.h = uint32(width), uint32(height)
	if code := e.lib.setConfig(e.ctx, e.native); code != 0 {
		return e.lib.failure(e.ctx, code)
	}
	e.cfg = cfg
	return nil
}

// SetBitrate changes the rate, in bits a second, from the next frame on.
func (e *Encoder) SetBitrate(bits int) error {
	e.cfg.Bitrate, e.native.bitrate = bits, uint32(bits/1000)
	if code := e.lib.setConfig(e.ctx, e.native); code != 0 {
		return e.lib.failure(e.ctx, code)
	}
	return nil
}

// Close frees the encoder.
func (e *Encoder) Close() error {
	if e.ctx == nil {
		return nil
	}
	ctx := e.ctx
	e.ctx = nil
	if code := e.lib.destroy(ctx); code != 0 {
		return errors.New("libvpx: " + e.lib.errorText(code))
	}
	return nil
}
