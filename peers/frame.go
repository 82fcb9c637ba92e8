package peers

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// maxFrame bounds a message of the pulse and pair protocols.
const maxFrame = 8 << 10

// A frame is its length in two bytes, big endian, and that many bytes.
func writeBytes(w io.Writer, body []byte) error {
	if len(body) > maxFrame {
		return fmt.Errorf("message of %d bytes, at most %d", len(body), maxFrame)
	}
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(body)), uint16(len(body)))
	_, err := w.Write(append(frame, body...))
	return err
}

func readBytes(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint16(head[:])
	if size > maxFrame {
		return nil, fmt.Errorf("message of %d bytes, at most %d", size, maxFrame)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return body, nil
}

func writeFrame(w io.Writer, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return writeBytes(w, body)
}

func readFrame(r io.Reader, message any) error {
	body, err := readBytes(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, message)
}
