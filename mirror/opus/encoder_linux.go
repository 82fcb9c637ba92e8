//go:build amd64 || arm64

package opus

import (
	"errors"
	"runtime"
	"unsafe"
)

// Numbers of opus_defines.h.
const (
	lowDelay      = 2051 // OPUS_APPLICATION_RESTRICTED_LOWDELAY
	setBitrate    = 4002
	setComplexity = 4010
	complexity    = 5 // of 10: what is above costs time and is hardly heard
)

// Encoder makes packets. It is not safe for use from several goroutines.
type Encoder struct {
	lib      *libopus
	state    unsafe.Pointer
	channels int
	out      [MaxPacket]byte
}

// NewEncoder opens an encoder of one or two channels for bitrate bits a second.
// It promises ErrUnsupported where libopus is not there. Close it when done.
func NewEncoder(channels, bitrate int) (*Encoder, error) {
	lib, err := library()
	if err != nil {
		return nil, err
	}
	var code int32
	state := lib.newEncoder(Rate, int32(channels), lowDelay, &code)
	if code != 0 {
		return nil, lib.failure(code)
	}
	e := &Encoder{lib: lib, state: state, channels: channels}
	for _, setting := range [][2]int32{{setBitrate, int32(bitrate)}, {setComplexity, complexity}} {
		if code := lib.setEncoder(state, setting[0], setting[1]); code != 0 {
			return nil, errors.Join(lib.failure(code), e.Close())
		}
	}
	return e, nil
}

// Encode makes a packet of 2.5, 5, 10 or 20 ms. It is valid until the next
// Encode.
func (e *Encoder) Encode(pcm []int16) ([]byte, error) {
	if len(pcm) == 0 {
		return nil, errors.New("opus: a frame without samples")
	}
	n := e.lib.encode(e.state, &pcm[0], int32(len(pcm)/e.channels), &e.out[0], MaxPacket)
	runtime.KeepAlive(pcm)
	if n < 0 {
		return nil, e.lib.failure(n)
	}
	return e.out[:n], nil
}

// Close frees the encoder.
func (e *Encoder) Close() error {
	if e.state != nil {
		e.lib.freeEncoder(e.state)
		e.state = nil
	}
	return nil
}
