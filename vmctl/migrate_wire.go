package vmctl

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Between the two ends of a migration each connection is a stream of its own. What
// the destination's libvirt says goes in frames, so that one word can stand
// between: ready, after which the source may open the data's own sockets.
//
//	byte 0      0 data, 1 ready
//	bytes 1–2   length of the data, big endian; 0 for ready
//	then        the data
const (
	frameData  = 0
	frameReady = 1
	maxFrame   = 1<<16 - 1
)

// writeFrame writes data as one frame; it is at most maxFrame bytes.
func writeFrame(w io.Writer, kind byte, data []byte) error {
	frame := append([]byte{kind, 0, 0}, data...)
	binary.BigEndian.PutUint16(frame[1:], uint16(len(data)))
	_, err := w.Write(frame)
	return err
}

// readFrame reads a frame into buf, which has room for maxFrame bytes.
func readFrame(r io.Reader, buf []byte) (kind byte, data []byte, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(head[1:]))
	if head[0] > frameReady || head[0] == frameReady && n > 0 {
		return 0, nil, fmt.Errorf("a frame of kind %d with %d bytes", head[0], n)
	}
	_, err = io.ReadFull(r, buf[:n])
	return head[0], buf[:n], err
}
