package link

import "time"

const (
	// copyDelay is how long after its first packet a group's parity goes, so
	// that one burst of loss does not take both.
	copyDelay = 4 * time.Millisecond
	// worthCopying is the round trip from which a lost packet is noticed, so
	// that small things are sent with a parity.
	worthCopying = 8 * time.Millisecond
	firstRTT     = 100 * time.Millisecond // before the first answer
	leastProbe   = 8 * time.Millisecond
	mostProbe    = 500 * time.Millisecond
	maxPending   = maxMessage // bytes that wait; then Write does
)

// packet is one that has no acknowledgement yet.
type packet struct {
	payload []byte
	sent    time.Duration // last time
	arrived bool
	lost    bool // waits to be sent again
}

// sender cuts messages into packets and sends each until it arrives. It runs
// nothing; times are of the link's clock.
type sender struct {
	pace  pace
	slots [window]packet // by number, from base to next
	base  uint64         // first packet that has not arrived
	next  uint64         // next new packet
	limit uint64         // end of the other side's room
	fly   int            // bytes under way
	lost  int            // packets that wait to be sent again

	pending []byte // messages with their lengths that wait to be cut
	flush   bool   // a packet that is not full may go too

	newest time.Duration // when the newest datagram that has arrived was sent
	trip   time.Duration // its round trip
	mended uint32

	group   parity
	reorder time.Duration // when the next packet counts as lost; 0 is none
	last    time.Duration // when something was sent or acknowledged last
	tries   int           // probes without an answer
}

// parity is the sum of the newest packets.
type parity struct {
	first uint64
	count int
	sizes uint16
	sum   []byte
	due   time.Duration // when it goes
}

func newSender() sender { return sender{pace: newPace(), limit: places} }

func (s *sender) slot(seq uint64) *packet { return &s.slots[seq%window] }

// full says whether Write has to wait.
func (s *sender) full() bool { return len(s.pending) > maxPending }

// push adds a message.
func (s *sender) push(message []byte, flush bool) {
	s.pending = append(be.AppendUint16(s.pending, uint16(len(message))), message...)
	s.flush = s.flush || flush
}

// done says whether everything has arrived.
func (s *sender) done() bool { return len(s.pending) == 0 && s.base == s.next }

// ack takes what the other side says has arrived.
func (s *sender) ack(a *ack, now time.Duration) error {
	next := near(s.base, a.next)
	if next > s.next {
		return invalid("an acknowledgement of what was not sent")
	}
	s.limit = max(s.limit, next+uint64(a.room))
	before := s.base
	arrived := s.arriveUpTo(next)
	for _, r := range a.ranges {
		for seq := max(near(s.base, r.from), s.base); seq < min(near(s.base, r.to), s.next); seq++ {
			arrived = s.arrive(seq) || arrived
		}
	}
	if arrived || s.base != before {
		s.last, s.tries = now, 0
	}
	s.pace.lost += int(min(a.mended-s.mended, maxGroup)) // what a hostile side says is bounded
	s.mended = a.mended
	s.clock(a, now)
	s.expire(now)
	return nil
}

func (s *sender) arriveUpTo(next uint64) (any bool) {
	for ; s.base < next; s.base++ {
		any = s.arrive(s.base) || any
	}
	return any
}

func (s *sender) arrive(seq uint64) bool {
	p := s.slot(seq)
	if p.arrived {
		return false
	}
	if p.arrived = true; p.lost {
		p.lost = false
		s.lost--
	} else {
		s.fly -= len(p.payload)
	}
	return true
}

// clock takes the round trip of the datagram that an acknowledgement echoes.
func (s *sender) clock(a *ack, now time.Duration) {
	if a.held == heldNone {
		return
	}
	ago := time.Duration(stamp(now)-a.echo) * time.Microsecond
	sent := now - ago
	if ago > time.Minute || sent < s.newest {
		return
	}
	s.newest = sent
	s.trip = max(ago-time.Duration(a.held)*heldUnit, time.Microsecond)
	s.pace.sample(s.trip, sent, now)
}

// stamp is a time on the wire.
func stamp(now time.Duration) uint32 { return uint32(now / time.Microsecond) }

// expire finds the packets that are lost: sent before one that has arrived, and
// long enough ago that another order does not explain it (RFC 8985, RACK).
func (s *sender) expire(now time.Duration) {
	s.reorder = 0
	patience := s.trip + max(s.trip/8, time.Millisecond)
	if s.protected() {
		patience = s.trip + max(s.trip/8, copyDelay+time.Millisecond)
	}
	for seq := s.base; seq < s.next; seq++ {
		p := s.slot(seq)
		if p.arrived || p.lost || p.sent >= s.newest {
			continue
		}
		if due := p.sent + patience; due <= now {
			s.lose(p)
		} else if s.reorder == 0 || due < s.reorder {
			s.reorder = due
		}
	}
}

func (s *sender) lose(p *packet) {
	p.lost = true
	s.lost++
	s.pace.lost++
	s.fly -= len(p.payload)
}

func (s *sender) protected() bool { return s.pace.srtt >= worthCopying }

// probeAt is when the silence of the other side has lasted too long; 0 is never.
func (s *sender) probeAt() time.Duration {
	if s.base == s.next && (len(s.pending) == 0 || s.next < s.limit) {
		return 0
	}
	wait := firstRTT
	if s.trip != 0 {
		wait = max(s.pace.srtt*5/4+ackDelay, leastProbe)
	}
	return s.last + min(wait<<min(s.tries, 6), mostProbe)
}

// probe sends the oldest packet again: its answer shows what else is lost. With
// none under way it asks for room. It says whether a datagram is in d.
func (s *sender) probe(d *datagram, now time.Duration) {
	s.tries++
	s.last = now
	if s.base == s.next {
		*d = datagram{bits: wantsAck, ack: d.ack}
		return
	}
	p := s.slot(s.base)
	if !p.lost {
		s.lose(p)
	}
	s.resend(s.base, d, now)
	d.bits |= wantsAck
}

func (s *sender) resend(seq uint64, d *datagram, now time.Duration) {
	p := s.slot(seq)
	p.lost = false
	s.lost--
	s.fill(seq, d, now)
}

// fill makes the datagram of a packet that goes now.
func (s *sender) fill(seq uint64, d *datagram, now time.Duration) {
	p := s.slot(seq)
	p.sent, s.last = now, now
	s.fly += len(p.payload)
	*d = datagram{bits: hasData, ack: d.ack, seq: uint32(seq), stamp: stamp(now), body: p.payload}
}

// produce fills d with the next datagram that may go, or says when to ask
// again; 0 is after the next acknowledgement or Write.
func (s *sender) produce(d *datagram, now time.Duration) (wait time.Duration, ok bool) {
	if s.group.ready(now, s.hasNew()) {
		s.group.fill(d, now)
		return 0, true
	}
	if s.lost == 0 && !s.hasNew() {
		return s.group.due, false
	}
	if s.fly >= s.pace.window() {
		s.pace.limited = true
		return 0, false
	}
	if at, ready := s.pace.ready(now); !ready {
		return at, false
	}
	if s.lost > 0 {
		seq := s.base
		for !s.slot(seq).lost {
			seq++
		}
		s.resend(seq, d, now)
		return 0, true
	}
	s.cut(now)
	s.fill(s.next-1, d, now)
	if s.fly >= s.pace.window() || s.next == s.limit {
		d.bits |= wantsAck
	}
	return 0, true
}

// hasNew says whether a new packet can be cut.
func (s *sender) hasNew() bool {
	return (len(s.pending) >= maxPayload || s.flush && len(s.pending) > 0) && s.next < s.limit && s.next < s.base+window
}

// cut makes the next packet of what is pending.
func (s *sender) cut(now time.Duration) {
	p := s.slot(s.next)
	n := min(len(s.pending), maxPayload)
	*p = packet{payload: append(p.payload[:0], s.pending[:n]...)}
	s.pending = s.pending[:copy(s.pending, s.pending[n:])]
	if len(s.pending) == 0 {
		s.flush = false
	}
	if s.protected() || s.group.count > 0 {
		s.group.add(s.next, p.payload, now)
	}
	s.next++
}

// add takes a packet into the group.
func (g *parity) add(seq uint64, payload []byte, now time.Duration) {
	if g.count == 0 {
		g.first, g.due = seq, now+copyDelay
	}
	g.count++
	g.sizes ^= uint16(len(payload))
	g.sum = xor(g.sum, payload)
}

// ready says whether the parity goes now. While more packets wait the group
// grows, so that a narrow path does not carry a parity for each.
func (g *parity) ready(now time.Duration, more bool) bool {
	return g.count == maxGroup || g.count > 0 && !more && g.due <= now
}

// fill makes the group's datagram, whose body is valid until the next add, and
// begins another group.
func (g *parity) fill(d *datagram, now time.Duration) {
	*d = datagram{bits: hasParity, ack: d.ack, seq: uint32(g.first), count: uint8(g.count), stamp: stamp(now), sizes: g.sizes,
		body: g.sum}
	*g = parity{sum: g.sum[:0]}
}

// soonest is the earlier of two times, where 0 is never.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
