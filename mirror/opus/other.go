//go:build !linux || !(amd64 || arm64)

package opus

import "runtime"

func library() (struct{}, error) {
	return struct{}{}, unsupported("sound is not carried on " + runtime.GOOS + "/" + runtime.GOARCH)
}

// Encoder is not to be had on this platform.
type Encoder struct{}

// NewEncoder answers ErrUnsupported.
func NewEncoder(int, int) (*Encoder, error) {
	_, err := library()
	return nil, err
}

// Encode answers ErrUnsupported.
func (*Encoder) Encode([]int16) ([]byte, error) {
	_, err := library()
	return nil, err
}

// Close does nothing.
func (*Encoder) Close() error { return nil }

// Decoder is not to be had on this platform.
type Decoder struct{}

// NewDecoder answers ErrUnsupported.
func NewDecoder(int) (*Decoder, error) {
	_, err := library()
	return nil, err
}

// Decode answers ErrUnsupported.
func (*Decoder) Decode([]byte, []int16) (int, error) {
	_, err := library()
	return 0, err
}

// Close does nothing.
func (*Decoder) Close() error { return nil }
