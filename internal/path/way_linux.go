package path

import (
	"cmp"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// defaultQueue is what a home router holds.
const defaultQueue = 256 << 10

// packet waits until its time, in nanoseconds of the monotonic clock.
type packet struct {
	bytes []byte
	due   int64
}

// way carries packets in one direction, in order.
type way struct {
	mu     sync.Mutex // guards the fields below
	wake   *sync.Cond // packets or closed changed
	shape  Shape
	random *rand.Rand
	count  Count
	free   int64 // when the last packet has left the queue
	last   int64 // when the last packet arrives: a shape that changes reorders none
	line   []packet
	closed bool
}

func newWay(shape Shape, seed uint64) *way {
	w := &way{shape: shape, random: rand.New(rand.NewPCG(seed, 0))}
	w.wake = sync.NewCond(&w.mu)
	return w
}

func (w *way) set(shape Shape) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shape = shape
}

func (w *way) counted() Count {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// fill takes packets from a device until it is closed.
func (w *way) fill(tun io.Reader, mtu int) {
	for {
		b := make([]byte, mtu)
		n, err := tun.Read(b)
		if err != nil {
			return
		}
		w.put(b[:n], now())
	}
}

// put loses a packet or gives it the time at which it arrives.
func (w *way) put(b []byte, now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.Packets++
	w.count.Bytes += int64(len(b))
	if w.random.Float64() < w.shape.Loss {
		w.count.Lost++
		return
	}
	w.free = max(w.free, now)
	if w.shape.Rate > 0 {
		perByte := float64(time.Second) / float64(w.shape.Rate)
		if float64(w.free-now) > perByte*float64(cmp.Or(w.shape.Queue, defaultQueue)) {
			w.count.Full++
			return
		}
		w.free += int64(perByte * float64(len(b)))
	}
	w.last = max(w.last, w.free+int64(w.shape.Delay))
	w.line = append(w.line, packet{b, w.last})
	w.wake.Signal()
}

// drain hands packets to the other device when their time has come, until the
// way is closed.
func (w *way) drain(tun io.Writer) {
	for {
		line, ok := w.take()
		if !ok {
			return
		}
		for _, p := range line {
			sleepUntil(p.due)
			_, _ = tun.Write(p.bytes) // a full or closed device loses it, as a path may
		}
	}
}

func (w *way) take() ([]packet, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.line) == 0 && !w.closed {
		w.wake.Wait()
	}
	line := w.line
	w.line = nil
	return line, !w.closed
}

func (w *way) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.wake.Signal()
}

func now() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // this clock is always there
	return t.Nano()
}

// sleepUntil is more exact than the runtime's timers, which are whole
// milliseconds when a program is idle.
func sleepUntil(due int64) {
	t := unix.NsecToTimespec(due)
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil) == unix.EINTR {
	}
}
