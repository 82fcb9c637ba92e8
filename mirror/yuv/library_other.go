//go:build !linux

package yuv

// libyuv is not used here.
type libyuv struct{}

func library() *libyuv { return nil }

func (*libyuv) fromBGRX(*Image, []byte, int) {}
func (*libyuv) toBGRX(*Image, []byte, int)   {}
func (*libyuv) scale(_, _ *Image, _ int)     {}
