package surface

import (
	"sync/atomic"
	"time"
)

// meter counts what the overlay shows. Its methods may be called from any
// goroutine; each number stands for itself.
type meter struct {
	bytes   atomic.Int64
	frames  atomic.Int64
	last    atomic.Int64 // when a frame came to the glass, UnixNano, 0 for never
	ping    atomic.Uint64
	pingAt  atomic.Int64
	latency atomic.Int64 // of the last ping, in ns, 0 for none yet
	video   atomic.Int64 // when a frame of video came, UnixNano, 0 for never
	full    atomic.Bool  // which was 4:4:4
}

func (m *meter) received(n int) { m.bytes.Add(int64(n)) }

func (m *meter) drawn() {
	m.frames.Add(1)
	m.last.Store(time.Now().UnixNano())
}

func (m *meter) played(full bool) {
	m.full.Store(full)
	m.video.Store(time.Now().UnixNano())
}

func (m *meter) pinged(id uint64) {
	m.ping.Store(id)
	m.pingAt.Store(time.Now().UnixNano())
}

func (m *meter) ponged(id uint64) {
	if m.ping.Load() == id {
		m.latency.Store(max(1, time.Now().UnixNano()-m.pingAt.Load()))
	}
}

// reading is what the meter showed at a time.
type reading struct {
	at            time.Time
	bytes, frames int64
	age, latency  time.Duration // age is negative before the first frame
	codec         string
}

// videoTime is how long a frame of video counts.
const videoTime = time.Second

func (m *meter) read() reading {
	now := time.Now()
	r := reading{at: now, bytes: m.bytes.Load(), frames: m.frames.Load(), age: -1, latency: time.Duration(m.latency.Load())}
	if last := m.last.Load(); last != 0 {
		r.age = max(0, now.Sub(time.Unix(0, last)))
	}
	r.codec = "lossless tiles"
	if now.Sub(time.Unix(0, m.video.Load())) < videoTime {
		r.codec = "tiles, VP9 4:2:0"
		if m.full.Load() {
			r.codec = "tiles, VP9 4:4:4"
		}
	}
	return r
}

// since gives frames and bytes a second between two readings.
func (r reading) since(before reading) (fps, rate float64) {
	seconds := r.at.Sub(before.at).Seconds()
	if seconds <= 0 {
		return 0, 0
	}
	return float64(r.frames-before.frames) / seconds, float64(r.bytes-before.bytes) / seconds
}
