package carry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	laptop = fusion.HostID("laptop")
	nas    = fusion.HostID("nas")
	talk   = "/hither/test/1"
)

// world is two computers, laptop and nas, and the weather between them.
type world struct {
	laptop, nas *Endpoint
	listener    *Listener

	// mu guards the fields below.
	mu     sync.Mutex
	random *rand.Rand
	down   bool
	better bool              // the next carrier is better than those there are
	lasts  func() (int, int) // how many bytes a new carrier lasts, each way
	delay  time.Duration
	room   int
	pipes  []*pipe
	made   int
	served sync.WaitGroup
}

func newWorld(seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 0)), lasts: func() (int, int) { return -1, -1 }}
	w.laptop = New(Config{ID: laptop, Dial: w.dial})
	w.nas = New(Config{ID: nas, Dial: func(context.Context, fusion.HostID, Carrier) (Carrier, error) {
		return nil, errors.New("nas opens nothing")
	}})
	w.listener = w.nas.Listen(talk)
	return w
}

func (w *world) close() {
	w.laptop.Close()
	w.nas.Close()
	w.served.Wait()
}

func (w *world) dial(_ context.Context, _ fusion.HostID, now Carrier) (Carrier, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down || now != nil && !w.better {
		return nil, nil
	}
	w.better = false
	a, b := w.lasts()
	near, far := newPipe(a, b, w.delay)
	near.room = max(near.room, w.room)
	w.pipes = append(w.pipes, near.pipe)
	w.made++
	w.served.Go(func() { w.nas.Serve(laptop, far) })
	return near, nil
}

func (w *world) set(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	w.laptop.Path(nas)
}

// cutAll cuts every connection there is.
func (w *world) cutAll() {
	w.mu.Lock()
	pipes := w.pipes
	w.pipes = nil
	w.mu.Unlock()
	for _, p := range pipes {
		p.cutNow()
	}
}

// open gives both ends of a new stream.
func (w *world) open(t testing.TB) (near, far *Stream) {
	t.Helper()
	near, err := w.laptop.Open(nas, talk)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := w.dial(t.Context(), nas, nil)
		if err == nil && c == nil {
			time.Sleep(time.Millisecond)
			continue
		}
		if err = near.Connect(t.Context(), c); err == nil {
			break
		} else if errors.Is(err, fusion.ErrUnsupported) {
			t.Fatal(err)
		}
	}
	got, err := w.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	far = got.(*Stream)
	if far.id != near.id {
		t.Errorf("the stream that came is another one")
	}
	return near, far
}

// between gives a number from low to high, small ones more often.
func (w *world) between(low, high int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.betweenLocked(low, high)
}

func (w *world) betweenLocked(low, high int) int {
	n := w.random.IntN(high - low + 1)
	if w.random.IntN(2) == 0 {
		n >>= w.random.IntN(16)
	}
	return low + n
}

// say writes size bytes that seed determines, in pieces.
func (w *world) say(s *Stream, seed byte, size int) error {
	source, buf := rand.NewChaCha8([32]byte{seed}), make([]byte, 200<<10)
	for size > 0 {
		b := buf[:min(size, w.between(1, len(buf)))]
		source.Read(b)
		if n, err := s.Write(b); err != nil || n != len(b) {
			return fmt.Errorf("wrote %d of %d: %w", n, len(b), err)
		}
		size -= len(b)
		if w.between(0, 9) == 0 {
			time.Sleep(time.Duration(w.between(0, 50)) * time.Millisecond)
		}
	}
	return nil
}

// hear reads to the end and compares.
func (w *world) hear(s *Stream, seed byte, size int) error {
	source, buf, want := rand.NewChaCha8([32]byte{seed}), make([]byte, 100<<10), make([]byte, 100<<10)
	for at := 0; ; {
		n, err := s.Read(buf[:w.between(1, len(buf))])
		source.Read(want[:n])
		if string(buf[:n]) != string(want[:n]) {
			return fmt.Errorf("other bytes from %d on", at)
		}
		at += n
		switch {
		case err == io.EOF && at == size:
			return nil
		case err != nil:
			return fmt.Errorf("%d of %d bytes: %w", at, size, err)
		}
		if w.between(0, 19) == 0 {
			time.Sleep(time.Duration(w.between(0, 100)) * time.Millisecond)
		}
	}
}

// seeds are those of a property test; HITHER_CARRY_SEEDS asks for more, or for
// one ("=17").
func seeds(t *testing.T, usual int) (from, to int) {
	text := os.Getenv("HITHER_CARRY_SEEDS")
	if text == "" {
		return 0, usual
	}
	one := text[0] == '='
	if one {
		text = text[1:]
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if one {
		return n, n + 1
	}
	return 0, n
}

// TestEveryByteArrives lets several streams speak both ways at once while their
// carriers are cut at any byte, change, slow down and are away for a while.
func TestEveryByteArrives(t *testing.T) {
	from, to := seeds(t, 60)
	for seed := from; seed < to; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { everyByteArrives(t, uint64(seed)) })
		})
	}
}

func everyByteArrives(t *testing.T, worldSeed uint64) {
	w := newWorld(worldSeed)
	defer w.close()
	w.delay = time.Duration(w.between(0, 40)) * time.Millisecond
	if w.between(0, 3) > 0 {
		most := w.between(5000, 1<<20)
		w.lasts = func() (int, int) { return w.betweenLocked(1, most), w.betweenLocked(1, most) }
	}
	defer func() { t.Logf("%d pipes", w.made) }()
	weather, over := make(chan struct{}), make(chan struct{})
	go func() { defer close(over); w.storm(weather) }()
	var talks sync.WaitGroup
	for i := range w.between(1, 4) {
		near, far := w.open(t)
		for _, side := range []struct {
			s         *Stream
			mine, her byte
		}{{near, byte(2 * i), byte(2*i + 1)}, {far, byte(2*i + 1), byte(2 * i)}} {
			sizes := func(seed byte) int {
				r := rand.New(rand.NewPCG(worldSeed, uint64(seed)))
				return r.IntN(1 << (8 + r.IntN(14)))
			}
			// One of the two may wait for the other's end and close all at once.
			closes := side.s == near && w.between(0, 1) == 0
			heard := make(chan struct{})
			talks.Go(func() {
				defer close(heard)
				if err := w.hear(side.s, side.her, sizes(side.her)); err != nil {
					t.Errorf("stream %d: %v", i, err)
				}
			})
			talks.Go(func() {
				if err := w.say(side.s, side.mine, sizes(side.mine)); err != nil {
					t.Errorf("stream %d: %v", i, err)
				}
				if closes {
					<-heard
				} else if err := side.s.CloseWrite(); err != nil {
					t.Error(err)
				}
				<-heard
				if err := side.s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	talks.Wait()
	close(weather)
	<-over
	time.Sleep(3 * time.Minute) // more than the patience of what was left over
	w.nothingLeft(t)
}

// storm changes the weather until done.
func (w *world) storm(done <-chan struct{}) {
	for {
		select {
		case <-done:
			w.set(func() { w.down = false })
			return
		case <-time.After(time.Duration(w.between(1, 2000)) * time.Millisecond):
		}
		switch w.between(0, 3) {
		case 0:
			w.cutAll()
		case 1:
			w.set(func() { w.better = true })
		case 2:
			w.set(func() { w.down = true })
			w.cutAll()
			time.Sleep(time.Duration(w.between(1, 10000)) * time.Millisecond)
			w.set(func() { w.down = false })
		case 3:
			w.set(func() { w.delay = time.Duration(w.betweenLocked(0, 100)) * time.Millisecond })
		}
	}
}

// settle lets both sides end what they have begun, which takes no patience.
func (w *world) settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// nothingLeft says that neither side holds anything for the other.
func (w *world) nothingLeft(t *testing.T) {
	t.Helper()
	for _, e := range []*Endpoint{w.laptop, w.nas} {
		e.mu.Lock()
		if e.streams != 0 {
			t.Errorf("%s has %d streams", e.cfg.ID, e.streams)
		}
		for _, r := range e.remotes {
			for _, s := range r.taken {
				t.Logf("%s: path %v closed %v fin %v %v taken %v seen %v in %d-%d acked %d", e.cfg.ID, s.path != nil, s.closed, s.finished, s.finSent, s.finTaken, s.finSeen, s.in.start, s.in.end(), s.acked)
			}
			if r.sending.free != sharedSending || r.receiving.free != sharedReceiving || r.pending != 0 {
				t.Errorf("%s: %d of %d for sending, %d of %d for receiving, %d pending", e.cfg.ID,
					r.sending.free, sharedSending, r.receiving.free, sharedReceiving, r.pending)
			}
		}
		e.mu.Unlock()
	}
}

var _ net.Conn = (*Stream)(nil)
