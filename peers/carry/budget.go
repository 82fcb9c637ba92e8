package carry

import "sync"

// What streams hold for one computer. A stream may always have ownBytes under
// way, so that none starves; what streams have beyond that they share. Both sides
// count so, for what is sent and not consumed; the receiver allows a little more,
// as a stream that was reset is forgotten at one side first.
const (
	ownBytes        = 64 << 10
	sharedSending   = 32 << 20
	sharedReceiving = 40 << 20
)

// budget is what the streams of one computer may hold beyond ownBytes each, in
// one direction.
type budget struct {
	mu      sync.Mutex
	free    int
	waiting map[*Stream]bool // whose Write waits for some
}

func beyond(n int) int { return max(0, n-ownBytes) }

// grow lets a stream that holds has bytes have up to n more and says how many.
// If that is none it will be woken when there is more; s may be nil.
func (b *budget) grow(s *Stream, has, n int) int {
	if has+n <= ownBytes {
		return n
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, max(0, ownBytes-has)+b.free)
	b.free -= beyond(has+n) - beyond(has)
	if n == 0 && s != nil {
		if b.waiting == nil {
			b.waiting = map[*Stream]bool{}
		}
		b.waiting[s] = true
	}
	return n
}

// shrink takes n of the has bytes that a stream holds back, and gives the streams
// to be woken.
func (b *budget) shrink(has, n int) []*Stream {
	back := beyond(has) - beyond(has-n)
	if back == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += back
	if len(b.waiting) == 0 {
		return nil
	}
	var woken []*Stream
	for s := range b.waiting {
		woken = append(woken, s)
	}
	clear(b.waiting)
	return woken
}
