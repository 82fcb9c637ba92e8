package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"

	"hither/fusion"
	"hither/internal/rawconn"
)

// flushBytes is when a buffered batch goes out before its end.
const flushBytes = 64 << 10

// stream is a Pipe over bytes. Reading and writing share nothing.
type stream struct {
	rwc io.ReadWriteCloser
	r   *bufio.Reader
	in  []byte

	out   []byte // owned by the writer
	once  sync.Once
	close error
}

// Batcher is a Pipe that can hold messages back to send several at once.
type Batcher interface {
	fusion.Pipe
	// WriteMore is a Write after which another follows at once. The message
	// may wait until then.
	WriteMore(message []byte) error
}

// Stream carries messages over rwc, each after its length as u16. Close closes
// rwc, which must wake a Read and a Write that wait in it.
func Stream(rwc io.ReadWriteCloser) fusion.Pipe {
	if conn, ok := rwc.(net.Conn); ok {
		rwc = rawconn.New(conn)
	}
	return &stream{rwc: rwc, r: bufio.NewReaderSize(rwc, 32<<10), in: make([]byte, MaxMessage)}
}

var _ Batcher = (*stream)(nil)

func (s *stream) Read() ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return nil, readError(err)
	}
	n := int(be.Uint16(head[:]))
	if n == 0 || n > MaxMessage {
		return nil, invalid("length of a message")
	}
	if _, err := io.ReadFull(s.r, s.in[:n]); err != nil {
		return nil, readError(err)
	}
	return s.in[:n], nil
}

// readError makes a stream that was cut inside a message one that ended: a lost
// connection looks the same wherever it is lost.
func readError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) {
		return io.EOF
	}
	return err
}

func (s *stream) Write(message []byte) error {
	if err := s.put(message); err != nil {
		return err
	}
	return s.flush()
}

func (s *stream) WriteMore(message []byte) error {
	if err := s.put(message); err != nil {
		return err
	}
	if len(s.out) < flushBytes {
		return nil
	}
	return s.flush()
}

func (s *stream) put(message []byte) error {
	if len(message) == 0 || len(message) > MaxMessage {
		return invalid("length of a message")
	}
	s.out = append(be.AppendUint16(s.out, uint16(len(message))), message...)
	return nil
}

func (s *stream) flush() error {
	_, err := s.rwc.Write(s.out)
	s.out = s.out[:0]
	return err
}

func (s *stream) Close() error {
	s.once.Do(func() { s.close = s.rwc.Close() })
	return s.close
}
