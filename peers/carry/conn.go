package carry

import (
	"net"
	"sync"
	"time"

	"hither/fusion"
)

// Peer says whose stream it is.
func (s *Stream) Peer() fusion.HostID { return s.far.id }

// Protocol is what the stream was opened for.
func (s *Stream) Protocol() string { return s.protocol }

// Carrier gives what carries the stream now, nil while nothing does, how often
// that has changed, and a channel that is closed at the next change.
func (s *Stream) Carrier() (now Carrier, moves int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	if s.path != nil {
		now = s.path.carrier
	}
	return now, s.moves, s.changed
}

// tell wakes whoever waits for another carrier.
func (s *Stream) tell() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// SetPatience says how long the stream lives without a carrier from now on; each
// side has its own. 0 is the Endpoint's.
func (s *Stream) SetPatience(d time.Duration) {
	s.mu.Lock()
	defer s.unlock()
	if d == 0 {
		d = s.end.cfg.Patience
	}
	s.patient.lasts = d
	if s.patient.timer != nil {
		s.patient.starts(s)
	}
}

// patience ends a stream that has had no carrier for too long.
type patience struct {
	lasts time.Duration
	timer *time.Timer // runs while there is no carrier
}

func (p *patience) starts(s *Stream) {
	p.stops()
	var timer *time.Timer
	timer = time.AfterFunc(p.lasts, func() {
		s.mu.Lock()
		defer s.unlock()
		if p.timer == timer {
			s.fail(s.end.cfg.Offline(s.far.id))
		}
	})
	p.timer = timer
}

func (p *patience) stops() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// address is a computer's ID as a net.Addr.
type address fusion.HostID

func (a address) Network() string { return "hither" }
func (a address) String() string  { return string(a) }

func (s *Stream) LocalAddr() net.Addr  { return address(s.end.cfg.ID) }
func (s *Stream) RemoteAddr() net.Addr { return address(s.far.id) }

// deadline is until when a Read or Write waits.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// set changes a deadline; cond is of those who wait.
func (s *Stream) set(d *deadline, cond *sync.Cond, at time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = at
	if wait := time.Until(at); !at.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.unlock()
			cond.Broadcast()
		})
	}
	cond.Broadcast()
}

func (s *Stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.set(&s.readBy, &s.readable, t)
	return nil
}

func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.set(&s.writeBy, &s.writable, t)
	return nil
}

func (s *Stream) SetDeadline(t time.Time) error {
	if err := s.SetReadDeadline(t); err != nil {
		return err
	}
	return s.SetWriteDeadline(t)
}
