package carry

import (
	"slices"
	"sort"
	"sync"
)

// chunk is a piece of a queue: buf[r:w] is filled. It comes from a pool of its
// size and goes back when it is empty.
type chunk struct {
	buf  []byte
	r, w int
	// framed says that buf[:r] is the head of a frame with all that it holds, so
	// that buf[:w] can be written as it is. Nothing is appended to it.
	framed bool
	// pins counts who uses it without the lock of the queue. Freed meanwhile, it
	// does not go back to the pool.
	pins int
}

// Sizes of chunks. The second follows the first, so that a stream with a few
// bytes holds little memory and a busy one has few chunks.
var chunkSizes = [...]int{4 << 10, 16 << 10, bigChunk}

const bigChunk = 64 << 10

var chunkPools [len(chunkSizes)]sync.Pool

func newChunk(size int) *chunk {
	class := sort.SearchInts(chunkSizes[:], size)
	if c, ok := chunkPools[class].Get().(*chunk); ok {
		return c
	}
	return &chunk{buf: make([]byte, chunkSizes[class])}
}

func (c *chunk) free() {
	if c.pins > 0 {
		return
	}
	c.r, c.w, c.framed = 0, 0, false
	chunkPools[sort.SearchInts(chunkSizes[:], len(c.buf))].Put(c)
}

// queue holds the bytes of a stream from offset start to end. Its zero value is
// an empty one that begins at 0, and an empty one holds no memory.
type queue struct {
	chunks []*chunk
	start  uint64
	size   int
}

func (q *queue) end() uint64 { return q.start + uint64(q.size) }

// append copies b to the end.
func (q *queue) append(b []byte) {
	for len(b) > 0 {
		var last *chunk
		if n := len(q.chunks); n > 0 {
			last = q.chunks[n-1]
		}
		if last == nil || last.framed || last.w == len(last.buf) {
			// No larger than what is there already, or what comes.
			last = newChunk(min(max(len(b), q.size, chunkSizes[0]), bigChunk))
			q.chunks = append(q.chunks, last)
		}
		n := copy(last.buf[last.w:], b)
		last.w += n
		q.size += n
		b = b[n:]
	}
}

// linkFrom is how full a chunk must be to become part of a queue as it is.
const linkFrom = bigChunk * 3 / 4

// link puts what c holds at the end; c is the queue's from now on. Chunks that
// are nearly empty are copied, as a queue of them would hold too much memory.
func (q *queue) link(c *chunk) {
	n := c.w - c.r
	if n == 0 || n < linkFrom && (q.size > 0 || n < len(c.buf)/4) {
		q.append(c.buf[c.r:c.w])
		c.free()
		return
	}
	q.chunks = append(q.chunks, c)
	q.size += n
}

// read moves bytes from the front to b.
func (q *queue) read(b []byte) int {
	n := 0
	for len(q.chunks) > 0 && n < len(b) {
		first := q.chunks[0]
		m := copy(b[n:], first.buf[first.r:first.w])
		n += m
		q.discard(m)
	}
	return n
}

// discard drops n bytes from the front.
func (q *queue) discard(n int) {
	q.start += uint64(n)
	q.size -= n
	whole := 0
	for _, c := range q.chunks {
		m := min(n, c.w-c.r)
		if m > 0 {
			c.r += m
			c.framed = false
		}
		n -= m
		if c.r < c.w {
			break
		}
		c.free()
		whole++
	}
	if whole == len(q.chunks) {
		q.chunks = nil
		return
	}
	q.chunks = slices.Delete(q.chunks, 0, whole)
}

// frameAt gives the chunk that begins at an offset, if it is a whole frame.
func (q *queue) frameAt(at uint64) *chunk {
	skip := int(at - q.start)
	for _, c := range q.chunks {
		if skip <= 0 {
			if skip == 0 && c.framed {
				return c
			}
			return nil
		}
		skip -= c.w - c.r
	}
	return nil
}

// copyAt fills b with what the queue holds from an offset on.
func (q *queue) copyAt(b []byte, at uint64) {
	skip := int(at - q.start)
	for _, c := range q.chunks {
		if n := c.w - c.r; skip >= n {
			skip -= n
			continue
		}
		b = b[copy(b, c.buf[c.r+skip:c.w]):]
		if skip = 0; len(b) == 0 {
			return
		}
	}
}
