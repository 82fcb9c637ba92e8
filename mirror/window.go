package mirror

import "time"

const (
	fewest  = 2  // frames may always be under way
	most    = 16 // and never more
	rttSpan = 10 * time.Second
	// late is by how much an answer may be later than the soonest lately before
	// a queue is thought of.
	late = 5 * time.Millisecond

	fill        = 40 * time.Millisecond
	largeFrame  = 16 << 10 // that tells something of the path's rate
	leastRoom   = 32 << 10
	unknownRoom = 128 << 10
	mostRoom    = 1 << 20
)

// window says how many frames may be under way to a viewer: enough to fill a
// long path, never so many that they queue on it. It grows by one for each
// window of frames answered as soon as the soonest lately, and falls back when
// answers come late, as they do when something queues (delay-based congestion
// control, as in TCP Vegas).
type window struct {
	sent, acked uint32
	size        int
	good        int // answers in time since the size changed
	at          [most]time.Time
	bytes       [most]int
	rate        float64 // bytes a second that large frames came at; 0 is unknown
	soonest     time.Duration
	since       time.Time // when soonest was measured
}

// open says whether another frame may be sent.
func (w *window) open() bool { return int(w.sent-w.acked) < max(w.size, fewest) }

// send notes that the next frame, of some bytes, is on its way.
func (w *window) send(bytes int, now time.Time) {
	w.sent++
	w.at[w.sent%most], w.bytes[w.sent%most] = now, bytes
}

// room says how many bytes a frame may have that does not fill the path for
// longer than a person would notice.
func (w *window) room() int {
	if w.rate == 0 {
		return unknownRoom
	}
	return min(max(int(w.rate*fill.Seconds()), leastRoom), mostRoom)
}

// known says whether frame seq may be acknowledged.
func (w *window) known(seq uint32) bool { return seq-w.acked <= w.sent-w.acked }

// ack notes the answer to frame seq and all before it.
func (w *window) ack(seq uint32, now time.Time) {
	if seq == w.acked || !w.known(seq) {
		return
	}
	full := !w.open()
	w.acked = seq
	took := now.Sub(w.at[seq%most])
	if w.soonest == 0 || took <= w.soonest || now.Sub(w.since) > rttSpan {
		w.soonest, w.since = took, now
	}
	if b := w.bytes[seq%most]; b >= largeFrame {
		rate := float64(b) / max(took-w.soonest, time.Millisecond).Seconds()
		w.rate += (rate - w.rate) / 2
	}
	w.size = max(w.size, fewest)
	switch {
	case took > w.soonest*5/4+late:
		w.size, w.good = max(fewest, w.size*3/4), 0
	case full:
		if w.good++; w.good >= w.size && w.size < most {
			w.size, w.good = w.size+1, 0
		}
	}
}
