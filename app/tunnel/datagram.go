package tunnel

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// datagrams carries datagrams over a stream, as a net.Conn whose Write and Read are a
// datagram each. One is its length in two bytes, big endian, and that many bytes: what UDP
// has fits. Reads are one goroutine's, and so are writes.
type datagrams struct{ net.Conn }

func (d datagrams) Write(b []byte) (int, error) {
	if len(b) > 65535 {
		return 0, fmt.Errorf("a datagram of %d bytes", len(b))
	}
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(b)), uint16(len(b)))
	if _, err := d.Conn.Write(append(frame, b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Read reads the next datagram; of one that is longer than b the rest is lost, as with UDP.
func (d datagrams) Read(b []byte) (int, error) {
	var head [2]byte
	if _, err := io.ReadFull(d.Conn, head[:]); err != nil {
		return 0, err
	}
	size := int(binary.BigEndian.Uint16(head[:]))
	n, err := io.ReadFull(d.Conn, b[:min(size, len(b))])
	if err == nil && n < size {
		_, err = io.CopyN(io.Discard, d.Conn, int64(size-n))
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
