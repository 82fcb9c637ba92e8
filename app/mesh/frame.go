package mesh

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// Protocol is what the streams between computers are called (docs/wire.md, "The private
// network").
const Protocol = "/hither/net/1"

const (
	// room is what stands before each packet in a batch: a TUN device writes its own header
	// there (virtio_net_hdr, 10 bytes).
	room = 16
	// batchSize is how many packets go to the device at once at most.
	batchSize = 16
	// slot is the room of one packet in a batch. It is larger than the packet, as the device
	// puts segments of one TCP stream together in it.
	slot = room + 65535
)

// batch is packets on their way to the device.
type batch struct {
	slots [batchSize][]byte // of slot bytes each
	// packets are those that hold one, with room before it.
	packets [][]byte
}

// batches are shared by all streams: one that rests holds none.
var batches = sync.Pool{New: func() any {
	b := &batch{packets: make([][]byte, 0, batchSize)}
	for i := range b.slots {
		b.slots[i] = make([]byte, slot)
	}
	return b
}}

// readBatch waits for a frame and reads it with those behind it that have come already. The
// caller gives the batch back. An error ends the stream.
func readBatch(r *bufio.Reader) (*batch, error) {
	if _, err := r.Peek(2); err != nil { // waits, and holds nothing meanwhile
		return nil, err
	}
	b := batches.Get().(*batch)
	b.packets = b.packets[:0]
	for len(b.packets) < batchSize {
		packet, err := readFrame(r, b.slots[len(b.packets)])
		if err != nil {
			batches.Put(b)
			return nil, err
		}
		b.packets = append(b.packets, packet)
		if !whole(r) {
			break
		}
	}
	return b, nil
}

// whole says whether another frame has come that can be read without waiting.
func whole(r *bufio.Reader) bool {
	if r.Buffered() < 2 {
		return false
	}
	head, _ := r.Peek(2) // it is there
	return r.Buffered() >= 2+int(binary.BigEndian.Uint16(head))
}

// readFrame reads one packet into a slot, behind its room.
func readFrame(r io.Reader, into []byte) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(head[:]))
	if size < header || size > MTU {
		return nil, fmt.Errorf("a packet of %d bytes, not of %d to %d", size, header, MTU)
	}
	packet := into[:room+size]
	if _, err := io.ReadFull(r, packet[room:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return packet, nil
}
