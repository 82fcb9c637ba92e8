//go:build amd64 || arm64

package vpx

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Numbers of the interface, from the headers of libvpx 1.12.
const (
	decoderABI = 12 // fixes the layouts of context and picture
	// The encoder's number also counts parts that are not used here and rose
	// from 25 (1.10 to 1.12) to 39 (1.16) without moving what is.
	minEncoderABI = 25
	maxEncoderABI = 39

	abiMismatch = 3 // VPX_CODEC_ABI_MISMATCH
)

// libvpx is its functions.
type libvpx struct {
	version    func() string
	encoder    func() unsafe.Pointer
	decoder    func() unsafe.Pointer
	defaults   func(iface unsafe.Pointer, cfg *encoderConfig, usage uint32) int32
	initEncode func(ctx *context, iface unsafe.Pointer, cfg *encoderConfig, flags int, abi int32) int32
	setConfig  func(ctx *context, cfg *encoderConfig) int32
	control    func(ctx *context, id, value int32) int32
	encode     func(ctx *context, m *picture, pts int64, duration uint, flags int, deadline uint) int32
	packet     func(ctx *context, iter *unsafe.Pointer) *packet
	initDecode func(ctx *context, iface unsafe.Pointer, cfg *decoderConfig, flags int, abi int32) int32
	decode     func(ctx *context, data *byte, size uint32, user unsafe.Pointer, deadline int) int32
	frame      func(ctx *context, iter *unsafe.Pointer) *picture
	destroy    func(ctx *context) int32
	errorText  func(err int32) string
	detail     func(ctx *context) string

	encoderABI int32
}

func (l *libvpx) functions() map[string]any {
	return map[string]any{
		"vpx_codec_version_str": &l.version, "vpx_codec_vp9_cx": &l.encoder, "vpx_codec_vp9_dx": &l.decoder,
		"vpx_codec_enc_config_default": &l.defaults, "vpx_codec_enc_init_ver": &l.initEncode,
		"vpx_codec_enc_config_set": &l.setConfig, "vpx_codec_control_": &l.control, "vpx_codec_encode": &l.encode,
		"vpx_codec_get_cx_data": &l.packet, "vpx_codec_dec_init_ver": &l.initDecode, "vpx_codec_decode": &l.decode,
		"vpx_codec_get_frame": &l.frame, "vpx_codec_destroy": &l.destroy, "vpx_codec_err_to_string": &l.errorText,
		"vpx_codec_error_detail": &l.detail,
	}
}

// library loads libvpx when it is first needed: the first version that is there.
var library = sync.OnceValues(func() (*libvpx, error) {
	givesBack()
	for number := 7; number <= 12; number++ {
		name := fmt.Sprintf("libvpx.so.%d", number)
		if handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL); err == nil {
			return bind(handle, name)
		}
	}
	return nil, unsupported("no libvpx was found")
})

// bind finds the functions and sees whether the library is one that is known.
func bind(handle uintptr, name string) (*libvpx, error) {
	l := new(libvpx)
	for name, function := range l.functions() {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, unsupported(err.Error())
		}
		purego.RegisterFunc(function, symbol)
	}
	if !l.decodes() {
		return nil, l.strange(name)
	}
	return l, nil
}

// encoders is library once its encoder was tried too, which takes longer than
// all else and a viewer does not need.
var encoders = sync.OnceValues(func() (*libvpx, error) {
	l, err := library()
	if err != nil {
		return nil, err
	}
	if !l.encodes() {
		return nil, l.strange("libvpx")
	}
	return l, nil
})

// strange is the error of a library with other layouts.
func (l *libvpx) strange(name string) error {
	return unsupported(name + " (" + l.version() + ") has another layout than Hither knows")
}

// decodes tries whether the decoder has the layouts that are used here.
func (l *libvpx) decodes() bool {
	var d context
	if l.initDecode(&d, l.decoder(), &decoderConfig{threads: 1}, 0, decoderABI) != 0 {
		return false
	}
	l.destroy(&d)
	return true
}

// encodes tries it for the encoder, and finds its number.
func (l *libvpx) encodes() bool {
	var cfg encoderConfig
	if l.defaults(l.encoder(), &cfg, 0) != 0 || !cfg.defaults() {
		return false
	}
	for l.encoderABI = minEncoderABI; l.encoderABI <= maxEncoderABI; l.encoderABI++ {
		var e context
		switch l.initEncode(&e, l.encoder(), &cfg, 0, l.encoderABI) {
		case 0:
			l.destroy(&e)
			return true
		case abiMismatch:
		default:
			return false
		}
	}
	return false
}

// failure is what libvpx says of its last error.
func (l *libvpx) failure(ctx *context, code int32) error {
	text := l.errorText(code)
	if detail := l.detail(ctx); detail != "" {
		text += ": " + detail
	}
	return fmt.Errorf("libvpx: %s", text)
}
