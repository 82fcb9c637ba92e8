package surface

import (
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
)

const (
	pingEvery = time.Second
	silence   = 4 // pings that a host leaves unanswered before it is away
)

// watchdog closes a pipe whose host fell silent without a word: a sleeping
// laptop sends no FIN. It pings each second; whatever arrives is a sign of
// life. It counts pings and not time: if this computer stood still, what the
// host said meanwhile is still to be read. It runs one goroutine, which close ends.
type watchdog struct {
	pipe fusion.Pipe
	sent atomic.Int32 // pings since something was heard
	stop chan struct{}
	done chan struct{}
	once sync.Once
	err  error // of closing the pipe; read after once
}

// watch begins to watch; ping sends a ping with some number and never waits.
func watch(pipe fusion.Pipe, ping func(uint64)) *watchdog {
	w := newWatchdog(pipe)
	ticker := time.NewTicker(pingEvery)
	go func() {
		defer ticker.Stop()
		w.run(ticker.C, ping)
	}()
	return w
}

func newWatchdog(pipe fusion.Pipe) *watchdog {
	return &watchdog{pipe: pipe, stop: make(chan struct{}), done: make(chan struct{})}
}

func (w *watchdog) run(tick <-chan time.Time, ping func(uint64)) {
	defer close(w.done)
	for n := uint64(1); ; n++ {
		select {
		case <-w.stop:
			return
		case <-tick:
		}
		if w.sent.Add(1) > silence {
			w.bite()
			return
		}
		ping(n)
	}
}

// heard notes a sign of life.
func (w *watchdog) heard() { w.sent.Store(0) }

// bite closes the pipe, which wakes its reader.
func (w *watchdog) bite() { w.once.Do(func() { w.err = w.pipe.Close() }) }

// close ends the watch, closes the pipe and waits.
func (w *watchdog) close() error {
	close(w.stop)
	<-w.done
	w.bite()
	return w.err
}
