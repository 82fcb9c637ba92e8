package carry

import (
	"io"
	"net"
	"os"
)

// Sink is a writer that can be asked to take what it can at once. TryWrite gives how much that
// was and does not wait; what makes it fail, Write will meet again.
type Sink interface {
	io.Writer
	TryWrite(b []byte) (int, error)
}

// WriteTo writes what comes to w until the end, without a copy in between; io.Copy
// calls it. To a Sink what comes is written as it comes, by the reader of the carrier, which
// saves the switch to another goroutine.
func (s *Stream) WriteTo(w io.Writer) (written int64, err error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	defer s.unlock()
	sink, _ := w.(Sink)
	defer func() {
		written += s.sunk
		s.sunk = 0
	}()
	for {
		switch {
		case s.sinking: // it is soon over, and then w is the caller's again
		case s.closed:
			return written, net.ErrClosed
		case s.readBy.passed():
			return written, os.ErrDeadlineExceeded
		case s.in.size > 0:
			n, err := s.writeFirst(w.Write)
			written += int64(n)
			if err != nil {
				return written, err
			}
			continue
		case s.finSeen:
			return written, nil
		case s.err != nil:
			return written, s.err
		}
		s.sink = sink
		s.readable.Wait()
		s.sink = nil
	}
}

// sinks gives what has just come to a sink that waits.
func (s *Stream) sinks() {
	if s.sink != nil && !s.sinking && s.in.size > 0 && len(s.in.chunks) == 1 {
		s.sinking = true
		n, _ := s.writeFirst(s.sink.TryWrite) // an error comes again to WriteTo
		s.sunk += int64(n)
		s.sinking = false
		if s.in.size == 0 && !s.finSeen && s.err == nil && !s.closed {
			return
		}
	}
	s.readable.Broadcast()
}

// writeFirst writes the first chunk of what came.
func (s *Stream) writeFirst(write func([]byte) (int, error)) (int, error) {
	c := s.in.chunks[0]
	b := c.buf[c.r:c.w]
	c.pins++
	s.unlock()
	n, err := write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	s.mu.Lock()
	c.pins--
	if len(s.in.chunks) > 0 && s.in.chunks[0] == c { // else it was reset meanwhile
		s.in.discard(n)
		s.consumed(n)
	}
	return n, err
}

// ReadFrom writes what r gives until its end, without a copy in between where
// much comes at once; io.Copy calls it. While r gives nothing it holds 4 KiB. It
// sends by itself, and so may wait as long as the carrier takes nothing, also
// beyond a write deadline; the end of the stream ends that.
func (s *Stream) ReadFrom(r io.Reader) (read int64, err error) {
	size := chunkSizes[0]
	for {
		c := newChunk(size)
		n, err := r.Read(c.buf[frameHead:min(len(c.buf), batchSize)])
		c.r, c.w = frameHead, frameHead+n
		full := c.w == min(len(c.buf), batchSize)
		if werr := s.writeChunk(c); werr != nil {
			return read, werr
		}
		read += int64(n)
		switch {
		case err == io.EOF:
			return read, nil
		case err != nil:
			return read, err
		case full:
			size = bigChunk
		case n < chunkSizes[1]:
			size = chunkSizes[0]
		}
	}
}

// writeChunk is Write for a chunk with room for the head of its frame; the chunk
// is the stream's from now on.
func (s *Stream) writeChunk(c *chunk) error {
	n := c.w - c.r
	if n >= linkFrom {
		s.writing.Lock()
		s.mu.Lock()
		linked := false
		if s.writeError() == nil {
			switch got := s.room(n); {
			case got == n:
				linked = true
				s.linkFrame(c)
				s.sendHere()
			case got > 0:
				s.freed(s.out.size+got, got)
			}
		}
		s.unlock()
		s.writing.Unlock()
		if linked {
			return nil
		}
	}
	_, err := s.write(c.buf[c.r:c.w], s.sendHere)
	c.free()
	return err
}
