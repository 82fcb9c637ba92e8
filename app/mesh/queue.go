package mesh

import (
	"encoding/binary"
	"sync"
)

const (
	// MTU is the largest packet in bytes, everywhere in the network: streams carry any size,
	// and fewer packets cost less. An offered TCP segment is that much smaller (RFC 8200: at
	// least 1280).
	MTU = 16000
	// queueBytes bounds what waits for one computer.
	queueBytes = 256 << 10
)

// queue holds frames that wait for one computer: each a packet behind its length in two bytes,
// big endian, as they go over the stream. When it is full the oldest go, as on any path, so
// that whoever puts never waits.
type queue struct {
	some chan struct{} // of one: there may be frames

	mu      sync.Mutex // guards the fields below
	frames  []byte
	head    int // where the oldest begins
	dropped int64
}

func newQueue() *queue { return &queue{some: make(chan struct{}, 1)} }

// put adds a packet of at most 65,535 bytes.
func (q *queue) put(packet []byte) {
	q.mu.Lock()
	for len(q.frames)-q.head+2+len(packet) > queueBytes && q.head < len(q.frames) {
		q.head += 2 + int(binary.BigEndian.Uint16(q.frames[q.head:]))
		q.dropped++
	}
	if q.head > queueBytes { // so the buffer stays within twice the bound
		q.frames = q.frames[:copy(q.frames, q.frames[q.head:])]
		q.head = 0
	}
	q.frames = binary.BigEndian.AppendUint16(q.frames, uint16(len(packet)))
	q.frames = append(q.frames, packet...)
	q.mu.Unlock()
	q.wake()
}

// wake lets whoever waits for some look.
func (q *queue) wake() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// take gives all frames, and keeps spare, a buffer that is free, for the next ones.
func (q *queue) take(spare []byte) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.frames[q.head:]
	q.frames, q.head = spare[:0], 0
	return all
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.head == len(q.frames)
}

func (q *queue) lost() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// firstFrame gives the first packet of frames that a queue gave, and the rest.
func firstFrame(frames []byte) (packet, rest []byte) {
	size := 2 + int(binary.BigEndian.Uint16(frames))
	return frames[2:size], frames[size:]
}
