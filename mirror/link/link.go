package link

import (
	"errors"
	"io"
	"sync"
	"time"

	"hither/fusion"
)

// drainTime is how long a close waits until the last words have arrived.
const drainTime = 2 * time.Second

// Link is a fusion.Pipe over datagrams.
type Link struct {
	conn    io.ReadWriteCloser
	start   time.Time
	running sync.WaitGroup
	poke    chan struct{} // the next deadline may have changed
	closing sync.Once
	close   error

	// mu guards the fields below.
	mu       sync.Mutex
	changed  *sync.Cond // something came, went or ended
	receiver receiver
	sender   sender
	closed   bool          // Close was called
	ended    bool          // the other side has closed
	over     chan struct{} // closed with err
	err      error         // why nothing goes any more
	out      datagram
	buf      []byte
	deadline time.Duration // what the timer waits for; 0 is nothing
}

var _ fusion.Pipe = (*Link)(nil)

// New makes one end of a link. One Read of conn gives one datagram and one
// Write takes one, at most MaxDatagram bytes, without waiting for long. Close of
// conn wakes both. The link owns conn.
func New(conn io.ReadWriteCloser) *Link {
	l := &Link{conn: conn, start: time.Now(), poke: make(chan struct{}, 1), over: make(chan struct{}), sender: newSender(),
		buf: make([]byte, 0, MaxDatagram)}
	l.changed = sync.NewCond(&l.mu)
	l.running.Go(l.listen)
	l.running.Go(l.tick)
	return l
}

func (l *Link) now() time.Duration { return time.Since(l.start) }

// RTT gives the time of a round trip, 0 before it is known.
func (l *Link) RTT() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sender.pace.srtt
}

// Read gives the next message.
func (l *Link) Read() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.closed || l.ended {
			return nil, io.EOF
		}
		m, err := l.receiver.pull(l.now())
		switch {
		case err != nil:
			l.fail(err)
			return nil, err
		case m != nil:
			l.ended = len(m) == 0
			l.answer()
			if !l.ended {
				return m, nil
			}
		case l.err != nil:
			return nil, l.err
		default:
			l.changed.Wait()
		}
	}
}

// answer acknowledges what was read: at once if that is due, or the last of it.
// It needs mu.
func (l *Link) answer() {
	if l.ended {
		l.receiver.due = l.now()
		l.changed.Broadcast() // a Write that waits
	}
	if due := l.receiver.due; due != 0 && due <= l.now() {
		l.pump()
	}
}

// Write sends a message, after waiting while too much is unsent.
func (l *Link) Write(message []byte) error { return l.write(message, true) }

// WriteMore is a Write after which another follows at once.
func (l *Link) WriteMore(message []byte) error { return l.write(message, false) }

func (l *Link) write(message []byte, flush bool) error {
	if len(message) == 0 || len(message) > maxMessage {
		return invalid("length of a message")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.sender.full() && !l.deaf() {
		l.changed.Wait()
	}
	if l.deaf() {
		return io.ErrClosedPipe
	}
	l.sender.push(message, flush)
	l.pump()
	return nil
}

// deaf says that nothing more can be sent; it needs mu.
func (l *Link) deaf() bool { return l.closed || l.ended || l.err != nil }

// listen takes datagrams until the connection ends.
func (l *Link) listen() {
	var d datagram
	b := make([]byte, MaxDatagram+1)
	for {
		n, err := l.conn.Read(b)
		if err == nil {
			err = d.parse(b[:n])
		}
		l.mu.Lock()
		if err == nil {
			err = l.take(&d)
		}
		if err != nil {
			l.fail(err)
		}
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take needs mu.
func (l *Link) take(d *datagram) error {
	now := l.now()
	if d.bits&hasAck != 0 {
		if err := l.sender.ack(&d.ack, now); err != nil {
			return err
		}
	}
	switch {
	case d.bits&(hasData|hasParity) != 0:
		l.receiver.take(d, now)
	case d.bits&wantsAck != 0:
		l.receiver.due = now
	}
	l.pump()
	l.changed.Broadcast()
	return nil
}

// fail ends both directions; it needs mu.
func (l *Link) fail(err error) {
	if l.err != nil {
		return
	}
	var known *fusion.Error
	if l.err = io.EOF; errors.As(err, &known) {
		l.err = err
	}
	close(l.over)
	l.changed.Broadcast()
}

// pump sends what may go now and sets the timer for the rest; it needs mu.
func (l *Link) pump() {
	now := l.now()
	if at := l.sender.probeAt(); at != 0 && at <= now {
		l.sender.probe(&l.out, now)
		l.send(now)
	}
	if l.sender.reorder != 0 && l.sender.reorder <= now {
		l.sender.expire(now)
	}
	wait, ok := l.sender.produce(&l.out, now)
	for ; ok; wait, ok = l.sender.produce(&l.out, now) {
		l.send(now)
	}
	if due := l.receiver.due; due != 0 && due <= now {
		l.out = datagram{ack: l.out.ack}
		l.send(now)
	}
	for _, at := range []time.Duration{l.receiver.due, l.sender.reorder, l.sender.probeAt()} {
		wait = soonest(wait, at)
	}
	l.wake(wait)
}

// send sends l.out, with an acknowledgement if one is due and fits. It needs mu.
func (l *Link) send(now time.Duration) {
	d := &l.out
	if l.receiver.due != 0 && d.roomForAck() {
		d.bits |= hasAck
		l.receiver.ack(&d.ack, now)
	}
	l.buf = d.append(l.buf[:0])
	if d.bits&(hasData|hasParity) != 0 {
		l.sender.pace.spend(len(l.buf))
	}
	if _, err := l.conn.Write(l.buf); err != nil {
		l.fail(err)
	}
	if !l.sender.full() {
		l.changed.Broadcast()
	}
}

// wake makes the timer go at a time, if that is sooner than what it waits for.
// It needs mu.
func (l *Link) wake(at time.Duration) {
	if at == 0 || l.deadline != 0 && l.deadline <= at {
		return
	}
	l.deadline = at
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// tick pumps when a deadline has come, until the link ends.
func (l *Link) tick() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-l.over:
			return
		case <-l.poke:
		case <-timer.C:
			l.mu.Lock()
			l.deadline = 0
			l.pump()
			l.mu.Unlock()
		}
		l.mu.Lock()
		if l.deadline != 0 {
			timer.Reset(max(l.deadline-l.now(), 0))
		}
		l.mu.Unlock()
	}
}

// Close waits a moment until the other side has what was written, and wakes
// Read and Write.
func (l *Link) Close() error {
	l.closing.Do(func() {
		l.drain()
		l.mu.Lock()
		l.fail(io.EOF)
		l.mu.Unlock()
		l.close = l.conn.Close()
		l.running.Wait()
	})
	return l.close
}

// drain says that this was all, and waits until it has arrived. A side that has
// closed listens no more.
func (l *Link) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	deaf := l.deaf()
	l.closed = true
	l.changed.Broadcast()
	if deaf {
		return
	}
	l.sender.push(nil, true)
	l.pump()
	late := false
	timer := time.AfterFunc(drainTime, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		late = true
		l.changed.Broadcast()
	})
	defer timer.Stop()
	for !l.sender.done() && l.err == nil && !late {
		l.changed.Wait()
	}
	if l.receiver.due != 0 {
		l.receiver.due = l.now()
		l.pump()
	}
}
