package link

import "time"

const (
	// ackDelay is how long an acknowledgement waits for something to travel with.
	ackDelay = 4 * time.Millisecond
	// ackEvery is after how many packets one goes at once.
	ackEvery = 8
	// behind is how many delivered packets are kept to mend others with.
	behind = 2 * maxGroup
	// places is how many packets may wait for the reader.
	places = window - behind - 1
)

// receiver puts packets in order. It holds at most window packets and runs
// nothing; times are of the link's clock.
type receiver struct {
	slots [window][]byte // by number; nil is not there
	free  [][]byte
	read  uint64 // first packet that the reader has not taken
	next  uint64 // first packet that has not arrived
	top   uint64 // one after the last packet that has arrived

	message []byte // the one that is put together, with its length in front
	at      int    // bytes of slots[read] that are in it already

	mended uint32
	stamp  uint32        // of the last datagram
	came   time.Duration // when that was
	any    bool          // there was one

	pending int           // packets since the last acknowledgement
	due     time.Duration // when the next one goes; 0 is none
	told    uint64        // end of the room that was told last, 0 before
}

func (r *receiver) slot(seq uint64) *[]byte { return &r.slots[seq%window] }

// has says whether a packet is at hand, delivered or not.
func (r *receiver) has(seq uint64) bool {
	return seq+behind >= r.read && seq < r.top && *r.slot(seq) != nil
}

// take takes the data or parity of a datagram.
func (r *receiver) take(d *datagram, now time.Duration) {
	r.stamp, r.came, r.any = d.stamp, now, true
	r.pending++
	hole, every := r.next < r.top, ackEvery
	if seq := near(r.next, d.seq); d.bits&hasData != 0 {
		r.put(seq, d.body)
	} else {
		r.mend(seq, d)
	}
	if r.next < r.top {
		every = 2
	}
	if hole != (r.next < r.top) || r.pending >= every || d.bits&wantsAck != 0 {
		r.due = now
	} else if r.due == 0 {
		r.due = now + ackDelay
	}
}

// put keeps a packet unless it is there or there is no place for it.
func (r *receiver) put(seq uint64, payload []byte) bool {
	if seq < r.next || seq >= r.read+places || r.has(seq) {
		return false
	}
	*r.slot(seq) = append(r.buffer(), payload...)
	r.top = max(r.top, seq+1)
	for r.next < r.top && *r.slot(r.next) != nil {
		r.next++
	}
	return true
}

func (r *receiver) buffer() []byte {
	if n := len(r.free); n > 0 {
		b := r.free[n-1]
		r.free = r.free[:n-1]
		return b[:0]
	}
	return make([]byte, 0, maxPayload)
}

// mend makes the one packet that is missing of a parity's group.
func (r *receiver) mend(first uint64, d *datagram) {
	end := first + uint64(d.count)
	missing := end
	for seq := first; seq < end; seq++ {
		switch {
		case r.has(seq):
		case missing != end || seq < r.next:
			return // more than one is missing, or it is too old
		default:
			missing = seq
		}
	}
	if missing == end {
		return
	}
	size, sum := d.sizes, append([]byte(nil), d.body...)
	for seq := first; seq < end; seq++ {
		if seq != missing {
			size ^= uint16(len(*r.slot(seq)))
			sum = xor(sum, *r.slot(seq))
		}
	}
	if size > 0 && int(size) <= min(len(sum), maxPayload) && r.put(missing, sum[:size]) {
		r.mended++
	}
}

// readable says whether the reader can go on.
func (r *receiver) readable() bool { return r.read < r.next }

// pull gives the next whole message, or nil when more must arrive. The slice is
// valid until the next call. An empty one is the other side's last.
func (r *receiver) pull(now time.Duration) ([]byte, error) {
	if r.whole() {
		r.message = r.message[:0]
	}
	for {
		n := r.length()
		if n > maxMessage {
			return nil, invalid("length of a message")
		}
		if r.whole() {
			return r.message[2:], nil
		}
		if !r.readable() {
			return nil, nil
		}
		packet := *r.slot(r.read)
		part := packet[r.at:min(len(packet), r.at+2+max(n, 0)-len(r.message))]
		r.message = append(r.message, part...)
		if r.at += len(part); r.at == len(packet) {
			r.step(now)
		}
	}
}

func (r *receiver) whole() bool { return len(r.message) >= 2 && len(r.message) == 2+r.length() }

// length is that of the message that is put together, or -1.
func (r *receiver) length() int {
	if len(r.message) < 2 {
		return -1
	}
	return int(be.Uint16(r.message))
}

// step ends with the packet that was read, and tells the other side of much new
// room.
func (r *receiver) step(now time.Duration) {
	r.read, r.at = r.read+1, 0
	if r.read > behind {
		old := r.slot(r.read - behind - 1)
		r.free = append(r.free, *old)
		*old = nil
	}
	if r.read+places >= r.told+window/2 {
		r.due = now
	}
}

// ack fills a with what has arrived.
func (r *receiver) ack(a *ack, now time.Duration) {
	r.pending, r.due, r.told = 0, 0, r.read+places
	*a = ack{next: uint32(r.next), room: uint16(r.read + places - r.next), echo: r.stamp, held: heldNone,
		mended: r.mended, ranges: a.ranges[:0]}
	if held := (now - r.came) / heldUnit; r.any && held < heldNone {
		a.held = uint16(held)
	}
	for seq := r.next + 1; seq < r.top && len(a.ranges) < maxRanges; seq++ {
		if *r.slot(seq) == nil {
			continue
		}
		from := seq
		for seq < r.top && *r.slot(seq) != nil {
			seq++
		}
		a.ranges = append(a.ranges, span{uint32(from), uint32(seq)})
	}
}
