//go:build amd64 || arm64

package opus

import (
	"errors"
	"runtime"
	"unsafe"
)

// Decoder makes sound of packets. It is not safe for use from several
// goroutines.
type Decoder struct {
	lib      *libopus
	state    unsafe.Pointer
	channels int
}

// NewDecoder opens a decoder that gives one or two channels, whatever packets
// have. It promises ErrUnsupported where libopus is not there. Close it when
// done.
func NewDecoder(channels int) (*Decoder, error) {
	lib, err := library()
	if err != nil {
		return nil, err
	}
	var code int32
	state := lib.newDecoder(Rate, int32(channels), &code)
	if code != 0 {
		return nil, lib.failure(code)
	}
	return &Decoder{lib: lib, state: state, channels: channels}, nil
}

// Decode fills pcm with the sound of a packet and gives how many samples of each
// channel there are: at most what pcm holds. A packet that is none, or that holds
// more, is an error. Without a packet, pcm is filled with what the lost one may
// have held.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	if len(pcm) < d.channels {
		return 0, errors.New("opus: no room for a sample")
	}
	var data *byte
	if len(packet) > 0 {
		data = &packet[0]
	}
	n := d.lib.decode(d.state, data, int32(len(packet)), &pcm[0], int32(len(pcm)/d.channels), 0)
	runtime.KeepAlive(packet)
	if n < 0 {
		return 0, d.lib.failure(n)
	}
	return int(n), nil
}

// Close frees the decoder.
func (d *Decoder) Close() error {
	if d.state != nil {
		d.lib.freeDecoder(d.state)
		d.state = nil
	}
	return nil
}
