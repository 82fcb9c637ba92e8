package link

import (
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// network is what datagrams go through in the tests.
type network struct {
	delay  time.Duration // one way
	jitter time.Duration // added, up to this much: it reorders
	loss   float64
	run    int // how many are lost in a row; default 1
	double float64
	rate   float64 // bytes a second; 0 is no bound
	queue  time.Duration
	seed   uint64
}

// ends makes both ends. It runs timers only.
func (n network) ends() (a, b *end) {
	a = &end{network: n, random: rand.New(rand.NewPCG(n.seed, 1)), in: make(chan []byte, 1<<16), done: make(chan struct{})}
	b = &end{network: n, random: rand.New(rand.NewPCG(n.seed, 2)), in: make(chan []byte, 1<<16), done: make(chan struct{})}
	a.peer, b.peer = b, a
	return a, b
}

type end struct {
	network
	peer   *end
	random *rand.Rand
	in     chan []byte
	done   chan struct{}
	once   sync.Once

	mu    sync.Mutex
	free  time.Time
	last  time.Time
	drops int // that are left of a run
	count count
}

// count is what one end has sent, and how long that waited in the queue at most
// since the last time somebody asked.
type count struct {
	sent, bytes int
	late        time.Duration
}

func (e *end) counted() count {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.count
	e.count.late = 0
	return c
}

func (e *end) Read(b []byte) (int, error) {
	select {
	case m := <-e.in:
		return copy(b, m), nil
	case <-e.done:
		return 0, io.EOF
	}
}

func (e *end) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count.sent++
	e.count.bytes += len(b)
	if e.drops > 0 || e.random.Float64() < e.loss {
		if e.drops == 0 {
			e.drops = max(e.run, 1)
		}
		e.drops--
		return len(b), nil
	}
	e.pass(b)
	if e.random.Float64() < e.double {
		e.pass(b)
	}
	return len(b), nil
}

// pass needs mu.
func (e *end) pass(b []byte) {
	now := time.Now()
	if e.free.Before(now) {
		e.free = now
	}
	if e.rate > 0 {
		if e.queue > 0 && e.free.Sub(now) > e.queue {
			return
		}
		e.count.late = max(e.count.late, e.free.Sub(now))
		e.free = e.free.Add(time.Duration(float64(len(b)) / e.rate * float64(time.Second)))
	}
	at := e.free.Add(e.delay)
	if e.jitter > 0 {
		at = at.Add(time.Duration(e.random.Int64N(int64(e.jitter))))
	} else if !at.After(e.last) {
		at = e.last.Add(1)
	}
	e.last = at
	m := append([]byte(nil), b...)
	time.AfterFunc(time.Until(at), func() {
		select {
		case e.peer.in <- m:
		default: // more than any socket holds
		}
	})
}

// Close ends both ends, after the time that its word takes.
func (e *end) Close() error {
	e.once.Do(func() {
		close(e.done)
		time.AfterFunc(e.delay, func() { e.peer.once.Do(func() { close(e.peer.done) }) })
	})
	return nil
}
