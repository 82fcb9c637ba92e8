package carry

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// path is one carrier of a stream. Stream.mu guards its fields.
type path struct {
	stream  *Stream
	carrier Carrier
	result  chan error // of one: what came of the hello

	first     []byte // hello or answer, not sent yet
	ready     bool   // both have been said
	at        uint64 // offset of the next byte to send here
	finSent   bool
	stopSent  bool
	told      uint64 // the consumed offset that was written here
	resetSent bool
	resetTold bool   // and written
	blockedAt uint64 // the limit that frameBlocked was sent for
	useful    bool   // something of the stream came
	bytes     int    // carried here, both ways
	frames    int    // of data, likewise
	writing   bool   // write runs
	mute      bool   // writing failed, and reading will
	closing   bool   // reading has ended
	gone      bool   // nothing is sent or taken here any more
	finished  bool   // by finish
	bound     *time.Timer

	writers sync.WaitGroup
	head    [headSize]byte // of the frame that is read; the reader's own, as body
	body    [consumedSize]byte
}

// batchSize is the most that is written to a carrier at once: what is one frame
// of yamux, with its header.
const batchSize = 64<<10 - 12

// A stream is busy on a carrier once that has carried so much, or so often.
const (
	busyBytes  = 1 << 20
	busyFrames = 64
)

// carried counts a frame of data. A carrier that has become busy is told, if it wants to know
// (Busy), and Dial asked whether there is a better one for that.
func (p *path) carried(n int) {
	before := p.busy()
	p.bytes, p.frames = p.bytes+n, p.frames+1
	if before || !p.busy() || !p.stream.opener || p.stream.path != p {
		return
	}
	if c, ok := p.carrier.(interface{ Busy() }); ok {
		c.Busy()
		p.stream.seek()
	}
}

func (p *path) busy() bool { return p.bytes >= busyBytes || p.frames >= busyFrames }

const (
	frameHead  = headSize + offsetSize
	maxPayload = batchSize - frameHead
	restSize   = 4*headSize + 3*offsetSize // room for the head of the data and what may follow it
)

// answerTime bounds how long a hello waits for its answer, and the other way
// round.
const answerTime = 10 * time.Second

// closeTime bounds how long a carrier that has done its work waits for the other
// side to have read all.
const closeTime = time.Second

var (
	errGone   = errors.New("another carrier took over")
	errBroken = fmt.Errorf("%w: %v", ErrReset, broken)
)

// leave ends the carrier, without waiting for it.
func (p *path) leave() {
	p.gone = true
	p.stream.end.start(func() { p.carrier.Reset() })
}

// send starts the writer of the stream's carrier if it has one.
func (s *Stream) send() {
	if s.path != nil {
		s.path.kick()
	}
}

func (p *path) kick() {
	if p.begins() {
		go func() {
			p.stream.mu.Lock()
			defer p.stream.unlock()
			p.write()
		}()
	}
}

// sendHere is send by a goroutine that may wait for the carrier: another one costs more than
// the sending does.
func (s *Stream) sendHere() {
	if p := s.path; p != nil && p.begins() {
		p.write()
	}
}

// begins says whether somebody is to call write.
func (p *path) begins() bool {
	if p.writing || p.mute || p.closing || p.gone {
		return false
	}
	p.writing = true
	p.writers.Add(1)
	return true
}

// write sends what there is and ends. The lock is held, but not while the carrier takes it.
func (p *path) write() {
	defer p.writers.Done()
	s := p.stream
	room := newChunk(bigChunk)
	defer room.free()
	defer func() { p.writing = false }()
	for !p.mute && !p.gone {
		b, frame := p.batch(room.buf[:0:batchSize])
		if len(b) == 0 && frame == nil {
			if s.path == p && (p.resetSent || p.complete()) {
				p.finish()
			}
			return
		}
		err := p.put(b, frame)
		if err != nil {
			// The reader ends, once it has what still came.
			p.mute = true
			s.end.start(func() { p.carrier.Reset() })
			return
		}
		p.told, p.resetTold = s.acked, p.resetSent
	}
}

// put writes to the carrier without the lock.
func (p *path) put(b []byte, frame *chunk) (err error) {
	s := p.stream
	var whole []byte
	if frame != nil {
		whole = frame.buf[:frame.w]
		frame.pins++
	}
	s.unlock()
	if len(b) > 0 {
		_, err = p.carrier.Write(b)
	}
	if err == nil && whole != nil {
		_, err = p.carrier.Write(whole)
	}
	s.mu.Lock()
	if frame != nil {
		frame.pins--
	}
	return err
}

// finish ends the carrier after what was written to it. Its reader waits a moment
// for the other side to do the same.
func (p *path) finish() {
	s := p.stream
	p.gone, p.finished, s.path = true, true, nil
	p.bound = time.AfterFunc(closeTime, func() { p.carrier.Reset() })
	s.finishOff()
	s.unlock()
	p.carrier.CloseWrite()
	s.mu.Lock()
}

// batch appends to b what is to be sent next, at most cap(b). A whole frame that
// lies ready is not copied; it follows b.
func (p *path) batch(b []byte) ([]byte, *chunk) {
	s := p.stream
	b, p.first = append(b, p.first...), nil
	if !p.ready {
		return b, nil
	}
	if s.reset != 0 {
		if !p.resetSent {
			p.resetSent = true
			b = append(appendHead(b, frameReset, 1), byte(s.reset))
		}
		return b, nil
	}
	waits := int(s.out.end() - p.at)
	if s.refusing {
		if !p.stopSent {
			p.stopSent = true
			b = appendHead(b, frameStop, 0)
		}
	} else if to := s.consumedTo(); s.ackNow || waits > 0 && to != s.acked {
		s.acked, s.ackNow = to, false
		s.granted = max(s.granted, to+uint64(s.window))
		b = appendConsumed(b, to, s.window)
	}
	if c := s.out.frameAt(p.at); c != nil {
		p.carried(c.w - c.r)
		p.at += uint64(c.w - c.r)
		s.sent = max(s.sent, p.at)
		return b, c
	}
	if n := min(waits, cap(b)-len(b)-restSize); n > 0 {
		b = appendAt(b, frameData, p.at, n)
		from := len(b)
		b = b[:from+n]
		s.out.copyAt(b[from:], p.at)
		p.carried(n)
		p.at += uint64(n)
		s.sent = max(s.sent, p.at)
	}
	if p.at != s.out.end() {
		return b, nil
	}
	if s.stuck && p.blockedAt != s.limit {
		p.blockedAt = s.limit
		b = appendHead(b, frameBlocked, 0)
	}
	if s.finished && !s.finTaken && !p.finSent {
		p.finSent, s.finSent = true, true
		b = appendAt(b, frameFin, p.at, 0)
	}
	return b, nil
}

// complete says whether both directions have ended and the other side knows.
func (p *path) complete() bool {
	s := p.stream
	return s.finTaken && (p.stopSent || s.finSeen && p.told == s.in.end()+1)
}

// run reads the carrier until it ends.
func (p *path) run() {
	s := p.stream
	s.end.count(&s.end.paths, 1)
	defer s.end.count(&s.end.paths, -1)
	err := p.read()
	s.mu.Lock()
	if errors.Is(err, errBroken) {
		s.end.cfg.Log.Warn("a stream broke the rules", "host", s.far.id, "protocol", s.protocol)
		s.abort(broken)
	}
	drains := p.finished || s.reset == broken && s.path == p
	p.closing = true
	s.unlock()
	if drains || err == io.EOF { // the other side is done, or will be once it has read all
		bound := time.AfterFunc(closeTime, func() { p.carrier.Reset() })
		io.Copy(io.Discard, p.carrier)
		p.writers.Wait()
		bound.Stop()
	}
	s.mu.Lock()
	s.lost(p)
	if p.bound != nil {
		p.bound.Stop()
	}
	s.unlock()
	if p.result != nil {
		select {
		case p.result <- err:
		default:
		}
	}
	p.carrier.Reset()
	p.writers.Wait()
}
