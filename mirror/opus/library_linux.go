//go:build amd64 || arm64

package opus

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// libopus is its functions. Its interface has not changed since 1.0.
type libopus struct {
	newEncoder  func(rate int32, channels, application int32, code *int32) unsafe.Pointer
	setEncoder  func(e unsafe.Pointer, request, value int32) int32
	encode      func(e unsafe.Pointer, pcm *int16, samples int32, data *byte, most int32) int32
	freeEncoder func(e unsafe.Pointer)
	newDecoder  func(rate int32, channels int32, code *int32) unsafe.Pointer
	decode      func(d unsafe.Pointer, data *byte, size int32, pcm *int16, samples, repair int32) int32
	freeDecoder func(d unsafe.Pointer)
	errorText   func(code int32) string
}

func (l *libopus) functions() map[string]any {
	return map[string]any{
		"opus_encoder_create": &l.newEncoder, "opus_encoder_ctl": &l.setEncoder, "opus_encode": &l.encode,
		"opus_encoder_destroy": &l.freeEncoder, "opus_decoder_create": &l.newDecoder, "opus_decode": &l.decode,
		"opus_decoder_destroy": &l.freeDecoder, "opus_strerror": &l.errorText,
	}
}

// library loads libopus when it is first needed.
var library = sync.OnceValues(func() (*libopus, error) {
	handle, err := purego.Dlopen("libopus.so.0", purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, unsupported("no libopus was found")
	}
	l := new(libopus)
	for name, function := range l.functions() {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, unsupported(err.Error())
		}
		purego.RegisterFunc(function, symbol)
	}
	return l, nil
})

// failure is what libopus says of an error.
func (l *libopus) failure(code int32) error { return fmt.Errorf("libopus: %s", l.errorText(code)) }
