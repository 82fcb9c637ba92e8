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
	leastRoom   = 32 << 10
	unknownRoom = 128 << 10
	mostRoom    = 1 << 20

	// videoShare is how much of what the path carries is for video.
	videoShare = 0.75
	// longest is how long an exact frame may be under way; a longer one is sent
	// coarse first.
	longest      = 300 * time.Millisecond
	unknownExact = 512 << 10

	// far is the round trip from which a frame may be no more than daring times
	// as large as one that came in time: what is known of a path from small
	// frames may be wrong, and one of megabytes cannot be called back.
	far    = 5 * time.Millisecond
	daring = 4
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
	rate        rate
	proven      int // bytes of the largest frame that came within longest
	soonest     time.Duration
	answered    time.Time // when the newest answer came
	base        base
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
	room := unknownRoom
	if w.rate.found != 0 {
		room = min(max(int(w.rate.found*fill.Seconds()), leastRoom), mostRoom)
	}
	return least(room, w.dare())
}

// video says how many bits a second are for video; 0 is not known.
func (w *window) video() int { return int(w.rate.found * videoShare * 8) }

// exact says how many bytes a frame may have that is sent exactly; 0 is any
// number.
func (w *window) exact() int {
	most := int(w.rate.found * longest.Seconds())
	switch w.rate.found {
	case 0:
		most = unknownExact
	case fast:
		most = 0
	}
	return least(most, w.dare())
}

// dare says how many bytes a frame may have by what came before; 0 is any
// number, as on a near path.
func (w *window) dare() int {
	if w.base.took < far {
		return 0
	}
	return max(daring*w.proven, leastRoom)
}

// prove notes how long a frame took.
func (w *window) prove(bytes int, took time.Duration) {
	if took <= longest {
		w.proven = max(w.proven, bytes)
	} else {
		w.proven = min(w.proven, int(float64(bytes)*longest.Seconds()/took.Seconds()))
	}
}

// base is the soonest answer to a frame, and its bytes. A large frame does not
// make it later.
type base struct {
	took  time.Duration
	bytes int
	since time.Time
}

const (
	smallFrame = 8 << 10
	baseSpan   = time.Minute
)

func (b *base) note(took time.Duration, bytes int, now time.Time) {
	if b.took == 0 || took <= b.took || bytes <= smallFrame && now.Sub(b.since) > baseSpan {
		*b = base{took, bytes, now}
	}
}

// empty is how soon an answer to a frame without bytes would come.
func (w *window) empty() time.Duration {
	if w.rate.found == 0 {
		return w.base.took
	}
	return max(0, w.base.took-time.Duration(float64(w.base.bytes)/w.rate.found*float64(time.Second)))
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
	w.prove(w.bytes[seq%most], took)
	w.base.note(took, w.bytes[seq%most], now)
	// A frame that was sent behind another one begins to arrive after it.
	began := w.at[seq%most].Add(w.empty())
	if w.answered.After(began) {
		began = w.answered
	}
	w.rate.add(w.bytes[seq%most], now.Sub(began).Seconds(), now.Sub(w.answered).Seconds())
	w.answered = now
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
