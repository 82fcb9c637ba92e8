package codec

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
)

// decompressor reads the zstd stream of a host's frames. The zero value is
// ready. What it holds is bounded by MaxWindow and MaxContent.
type decompressor struct {
	zstd  *zstd.Decoder
	chunk chunk
	begun bool
	out   []byte
}

// chunk is the part of the stream that came with a frame. It is no
// bytes.Buffer, which the decoder would take for the whole stream.
type chunk struct{ left []byte }

func (c *chunk) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// next gives the content of a frame, valid until it is called again: its length
// as u32, then the chunk of the stream that holds all of it and nothing else.
func (d *decompressor) next(b []byte, fresh bool) ([]byte, error) {
	if len(b) < 4 || !fresh && !d.begun {
		return nil, invalid("beginning of zstd")
	}
	n := binary.BigEndian.Uint32(b)
	if n > MaxContent {
		return nil, invalid("content is too large")
	}
	d.chunk.left = b[4:]
	if fresh {
		if err := d.restart(); err != nil {
			return nil, err
		}
	}
	if err := d.read(int(n)); err != nil || len(d.chunk.left) > 0 {
		d.begun = false
		return nil, invalid("zstd")
	}
	return d.out, nil
}

// read fills out with n bytes, and never holds much more than came.
func (d *decompressor) read(n int) error {
	const step = 1 << 20
	d.out = d.out[:0]
	for len(d.out) < n {
		at := len(d.out)
		d.out = append(d.out, make([]byte, min(step, n-at))...)
		if _, err := io.ReadFull(d.zstd, d.out[at:]); err != nil {
			return err
		}
	}
	return nil
}

func (d *decompressor) restart() (err error) {
	d.begun = true
	if d.zstd == nil {
		d.zstd, err = zstd.NewReader(&d.chunk, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(MaxContent), zstd.WithDecoderMaxWindow(MaxWindow))
		return err
	}
	return d.zstd.Reset(&d.chunk)
}

func (d *decompressor) close() {
	if d.zstd != nil {
		d.zstd.Close()
		d.zstd = nil
	}
}
