package wire

import (
	"io"
	"sync"

	"hither/fusion"
)

// pairQueue is how many messages wait in one direction; then Write waits.
const pairQueue = 64

// half is one direction's end and the other's beginning.
type half struct {
	in   <-chan []byte
	out  chan<- []byte
	done chan struct{} // closed by Close of this side
	peer chan struct{} // closed by Close of the other
	once *sync.Once
}

// Pair gives two ends of a pipe in memory. What was written before a Close can
// still be read by the other side.
func Pair() (a, b fusion.Pipe) {
	ab, ba := make(chan []byte, pairQueue), make(chan []byte, pairQueue)
	aDone, bDone := make(chan struct{}), make(chan struct{})
	return &half{ba, ab, aDone, bDone, new(sync.Once)}, &half{ab, ba, bDone, aDone, new(sync.Once)}
}

func (h *half) Read() ([]byte, error) {
	select {
	case <-h.done:
		return nil, io.EOF
	default:
	}
	select {
	case m := <-h.in:
		return m, nil
	case <-h.done:
		return nil, io.EOF
	case <-h.peer:
		return h.rest()
	}
}

// rest reads what was queued before the other side closed.
func (h *half) rest() ([]byte, error) {
	select {
	case m := <-h.in:
		return m, nil
	default:
		return nil, io.EOF
	}
}

func (h *half) Write(message []byte) error {
	if len(message) == 0 || len(message) > MaxMessage {
		return invalid("length of a message")
	}
	select {
	case <-h.done:
		return io.ErrClosedPipe
	case <-h.peer:
		return io.ErrClosedPipe
	default:
	}
	select {
	case h.out <- append([]byte(nil), message...):
		return nil
	case <-h.done:
		return io.ErrClosedPipe
	case <-h.peer:
		return io.ErrClosedPipe
	}
}

func (h *half) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}
