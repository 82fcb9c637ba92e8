package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair gives two links over a network.
func pair(n network) (a, b *Link, ends [2]*end) {
	x, y := n.ends()
	return New(x), New(y), [2]*end{x, y}
}

// message makes the i-th message of a test; its length varies.
func message(i int) []byte {
	random := rand.New(rand.NewPCG(uint64(i), 0))
	size := 4 + random.IntN(40)
	if i%5 == 0 {
		size = 4 + random.IntN(maxMessage-4)
	}
	b := be.AppendUint32(nil, uint32(i))
	for len(b) < size {
		b = append(b, byte(random.Uint32()))
	}
	return b
}

func TestEveryMessageInOrder(t *testing.T) {
	networks := map[string]network{
		"perfect":    {},
		"long":       {delay: 20 * time.Millisecond},
		"1 % lost":   {delay: 20 * time.Millisecond, loss: 0.01},
		"20 % lost":  {delay: 20 * time.Millisecond, loss: 0.2},
		"in bursts":  {delay: 20 * time.Millisecond, loss: 0.02, run: 6},
		"reordered":  {delay: 20 * time.Millisecond, jitter: 15 * time.Millisecond, loss: 0.02},
		"doubled":    {delay: 5 * time.Millisecond, jitter: 5 * time.Millisecond, double: 0.3, loss: 0.05},
		"narrow":     {delay: 20 * time.Millisecond, rate: 1e6, queue: 30 * time.Millisecond, loss: 0.01},
		"very short": {delay: 50 * time.Microsecond, loss: 0.05},
	}
	for name, n := range networks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, _ := pair(n)
				const count = 400
				errs := make(chan error, 4)
				for _, l := range []*Link{a, b} {
					go func() { errs <- writeAll(l, count) }()
					go func() { errs <- readAll(l, count) }()
				}
				for range 4 {
					if err := <-errs; err != nil {
						t.Error(err)
					}
				}
				a.Close()
				b.Close()
			})
		})
	}
}

func writeAll(l *Link, count int) error {
	for i := range count {
		write := l.Write
		if i%7 == 3 {
			write = l.WriteMore
		}
		if err := write(message(i)); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
		if i%50 == 0 {
			time.Sleep(30 * time.Millisecond) // pauses let timers show
		}
	}
	return nil
}

func readAll(l *Link, count int) error {
	for i := range count {
		m, err := l.Read()
		if err != nil {
			return fmt.Errorf("read %d: %w", i, err)
		}
		if !bytes.Equal(m, message(i)) {
			return fmt.Errorf("message %d has %d bytes that are not its own", i, len(m))
		}
	}
	return nil
}

func TestLastWords(t *testing.T) {
	for _, loss := range []float64{0, 0.3} {
		synctest.Test(t, func(t *testing.T) {
			a, b, _ := pair(network{delay: 20 * time.Millisecond, loss: loss, seed: 3})
			if err := a.Write([]byte("that was all")); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			closed := make(chan error)
			go func() { closed <- a.Close() }()
			if m, err := b.Read(); string(m) != "that was all" {
				t.Errorf("%q, %v", m, err)
			}
			if _, err := b.Read(); err != io.EOF {
				t.Error(err)
			}
			if err := b.Write([]byte("too late")); !errors.Is(err, io.ErrClosedPipe) {
				t.Error(err)
			}
			b.Close()
			if err := <-closed; err != nil {
				t.Error(err)
			}
			if took := time.Since(start); loss == 0 && took > 100*time.Millisecond {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestSilentPeerCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := network{}.ends()
		l := New(near)
		wrote := make(chan int)
		go func() {
			n := 0
			for l.Write(make([]byte, maxMessage)) == nil {
				n++
			}
			wrote <- n
		}()
		time.Sleep(time.Minute)
		if n := near.counted().sent; n > 400 {
			t.Errorf("%d datagrams to nobody in a minute", n)
		}
		l.Close()
		if n := <-wrote; n*maxMessage > firstWindow+3*maxMessage {
			t.Errorf("%d messages were taken", n)
		}
	})
}

// TestReaderThatStops shows that its link takes no more than window packets.
func TestReaderThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _ := pair(network{delay: 5 * time.Millisecond})
		const count = 1000
		done := make(chan error)
		n := 0
		go func() {
			for ; n < count; n++ {
				if err := a.Write(message(0)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		time.Sleep(time.Minute)
		size := len(message(0))
		if n*size > window*maxPayload+2*maxMessage {
			t.Errorf("%d bytes wait for a reader", n*size)
		}
		for i := range count {
			if m, err := b.Read(); err != nil || len(m) != size {
				t.Fatal(i, err)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		a.Close()
		b.Close()
	})
}

// trips sends a key and waits for the frame of size bytes that answers it.
func trips(t *testing.T, n network, trips, size int) (times []time.Duration, sent [2]count) {
	synctest.Test(t, func(t *testing.T) {
		a, b, ends := pair(n)
		go func() {
			for {
				if _, err := b.Read(); err != nil {
					return
				}
				for left := size; left > 0; left -= maxMessage {
					write := b.WriteMore
					if left <= maxMessage {
						write = b.Write
					}
					_ = write(make([]byte, min(left, maxMessage))) // the reader below tells
				}
			}
		}()
		for range trips {
			time.Sleep(100 * time.Millisecond)
			start := time.Now()
			if err := a.Write([]byte{0x81, 0, 30, 1}); err != nil {
				t.Fatal(err)
			}
			for left := size; left > 0; {
				m, err := a.Read()
				if err != nil {
					t.Fatal(err)
				}
				left -= len(m)
			}
			times = append(times, time.Since(start))
		}
		sent = [2]count{ends[0].counted(), ends[1].counted()}
		a.Close()
		b.Close()
	})
	slices.Sort(times)
	return times, sent
}

// TestLossIsNotNoticed: a round trip of 40 ms, of which each way loses 1 %.
func TestLossIsNotNoticed(t *testing.T) {
	const rtt = 40 * time.Millisecond
	for _, size := range []int{300, 3000, 20_000} {
		const n = 2000
		times, sent := trips(t, network{delay: rtt / 2, loss: 0.01, seed: 7}, n, size)
		p50, p99, worst := times[n/2], times[n*99/100], times[n-1]
		t.Logf("%5d bytes: p50 %v p99 %v p99.9 %v max %v; %d + %d datagrams, %d + %d bytes each", size, p50, p99, times[n*999/1000], worst,
			sent[0].sent/n, sent[1].sent/n, sent[0].bytes/n, sent[1].bytes/n)
		if p50 > rtt+6*time.Millisecond || p99 > rtt+30*time.Millisecond {
			t.Error("too late")
		}
	}
}

// TestBulkFillsThePath: as fast as the path carries, with a short queue.
func TestBulkFillsThePath(t *testing.T) {
	for name, n := range map[string]network{
		"clean":     {delay: 20 * time.Millisecond, rate: 5e6},
		"1 % lost":  {delay: 20 * time.Millisecond, rate: 5e6, loss: 0.01},
		"3 % lost":  {delay: 20 * time.Millisecond, rate: 5e6, loss: 0.03},
		"near":      {delay: time.Millisecond, rate: 10e6, loss: 0.001},
		"shallow":   {delay: 20 * time.Millisecond, rate: 5e6, queue: 4 * time.Millisecond},
		"narrow":    {delay: 10 * time.Millisecond, rate: 625e3, queue: 420 * time.Millisecond},
		"very slow": {delay: 30 * time.Millisecond, rate: 200e3, loss: 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, ends := pair(n)
				go func() {
					for a.Write(make([]byte, maxMessage)) == nil {
					}
				}()
				const settle, length = time.Second, 12 * time.Second
				got := 0
				var beginning count
				start := time.Now()
				for time.Since(start) < settle+length {
					m, err := b.Read()
					if err != nil {
						t.Fatal(err)
					}
					if time.Since(start) > settle {
						if got == 0 {
							beginning = ends[0].counted()
						}
						got += len(m)
					}
				}
				late := ends[0].counted().late
				share := float64(got) / length.Seconds() / n.rate
				t.Logf("%.0f %% of the path, queue at most %v, at the beginning %v", 100*share, late, beginning.late)
				if share < 0.6 {
					t.Error("too slow")
				}
				if late > 30*time.Millisecond && name != "very slow" {
					t.Error("it kept a queue")
				}
				go func() {
					for {
						if _, err := b.Read(); err != nil {
							return
						}
					}
				}()
				a.Close()
				b.Close()
			})
		})
	}
}
