package codec

import "github.com/klauspost/compress/zstd"

// compressor is the zstd stream (RFC 8878) of the frames to one viewer. What it
// is given comes out whole at once. The zero value is ready.
type compressor struct {
	zstd  *zstd.Encoder
	out   []byte
	begun bool // the viewer has the stream's beginning
}

// Write takes what the stream puts out.
func (c *compressor) Write(b []byte) (int, error) {
	c.out = append(c.out, b...)
	return len(b), nil
}

// restart begins a new stream with the next append: a viewer joined that does
// not know the old one.
func (c *compressor) restart() { c.begun = false }

// fresh says whether the next append begins a stream.
func (c *compressor) fresh() bool { return !c.begun }

// append compresses content and appends it to b.
func (c *compressor) append(b, content []byte) ([]byte, error) {
	if c.zstd == nil {
		z, err := zstd.NewWriter(c, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithWindowSize(streamWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return b, err
		}
		c.zstd, c.begun = z, true
	}
	if !c.begun {
		c.zstd.Reset(c)
		c.begun = true
	}
	c.out = b
	_, err := c.zstd.Write(content)
	if err == nil {
		err = c.zstd.Flush()
	}
	b, c.out = c.out, nil
	return b, err
}

// streamWindow is how far back a stream refers: some screens of text.
const streamWindow = 1 << 20

func (c *compressor) close() error {
	if c.zstd == nil {
		return nil
	}
	c.zstd.Reset(nil) // nothing is put out any more
	return c.zstd.Close()
}
