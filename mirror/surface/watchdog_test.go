package surface

import (
	"testing"
	"time"
)

// closed is a pipe of which only the end is seen.
type closed struct{ at chan struct{} }

func (c closed) Read() ([]byte, error) { <-c.at; return nil, errLost }
func (c closed) Write([]byte) error    { return nil }
func (c closed) Close() error          { close(c.at); return nil }

// TestWatchdogCountsPings: a host is away that leaves four pings unanswered, however long
// that took.
func TestWatchdogCountsPings(t *testing.T) {
	pipe, tick, pinged := closed{make(chan struct{})}, make(chan time.Time), make(chan uint64)
	w := newWatchdog(pipe)
	go w.run(tick, func(n uint64) { pinged <- n })
	ping := func(want uint64) {
		t.Helper()
		tick <- time.Time{}
		select {
		case n := <-pinged:
			if n != want {
				t.Fatalf("ping %d, want %d", n, want)
			}
		case <-pipe.at:
			t.Fatalf("bitten before ping %d", want)
		}
	}
	for n := range uint64(silence) {
		ping(n + 1)
	}
	w.heard()
	for n := range uint64(silence) {
		ping(silence + n + 1)
	}
	tick <- time.Time{}
	<-pipe.at
	if err := w.close(); err != nil {
		t.Error(err)
	}
}
