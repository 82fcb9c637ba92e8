//go:build !linux || !(amd64 || arm64)

package vpx

import (
	"runtime"
	"time"

	"hither/mirror/yuv"
)

func library() (struct{}, error) {
	return struct{}{}, unsupported("video is not made on " + runtime.GOOS + "/" + runtime.GOARCH)
}

func encoders() (struct{}, error) { return library() }

// Encoder is not to be had on this platform.
type Encoder struct{}

// NewEncoder answers ErrUnsupported.
func NewEncoder(Config) (*Encoder, error) {
	_, err := library()
	return nil, err
}

// Encode answers ErrUnsupported.
func (*Encoder) Encode(*yuv.Image, time.Time, bool) ([]byte, error) {
	_, err := library()
	return nil, err
}

// Resize answers ErrUnsupported.
func (*Encoder) Resize(int, int) error {
	_, err := library()
	return err
}

// SetBitrate answers ErrUnsupported.
func (*Encoder) SetBitrate(int) error {
	_, err := library()
	return err
}

// Close does nothing.
func (*Encoder) Close() error { return nil }

// Decoder is not to be had on this platform.
type Decoder struct{}

// NewDecoder answers ErrUnsupported.
func NewDecoder(int, int, bool) (*Decoder, error) {
	_, err := library()
	return nil, err
}

// Decode answers ErrUnsupported.
func (*Decoder) Decode([]byte) (*yuv.Image, error) {
	_, err := library()
	return nil, err
}

// Close does nothing.
func (*Decoder) Close() error { return nil }
