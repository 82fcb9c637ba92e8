package surface

import (
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
)

const (
	pingEvery = time.Second
	silence   = 4 * time.Second // a host that is silent for so long is away
)

// watchdog closes a pipe whose host fell silent without a word: a sleeping
// laptop sends no FIN. It pings each second; whatever arrives is a sign of
// life. It runs one goroutine, which close ends.
type watchdog struct {
	pipe  fusion.Pipe
	last  atomic.Int64 // when something was heard, in nanoseconds since start
	start time.Time
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
	err   error // of closing the pipe; read after once
}

// watch begins to watch; ping sends a ping with some number and never waits.
func watch(pipe fusion.Pipe, ping func(uint64)) *watchdog {
	w := &watchdog{pipe: pipe, start: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	go w.run(ping)
	return w
}

func (w *watchdog) run(ping func(uint64)) {
	defer close(w.done)
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for n := uint64(1); ; n++ {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		if time.Since(w.start)-time.Duration(w.last.Load()) > silence {
			w.bite()
			return
		}
		ping(n)
	}
}

// heard notes a sign of life.
func (w *watchdog) heard() { w.last.Store(int64(time.Since(w.start))) }

// bite closes the pipe, which wakes its reader.
func (w *watchdog) bite() { w.once.Do(func() { w.err = w.pipe.Close() }) }

// close ends the watch, closes the pipe and waits.
func (w *watchdog) close() error {
	close(w.stop)
	<-w.done
	w.bite()
	return w.err
}
