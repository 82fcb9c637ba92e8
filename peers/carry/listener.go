package carry

import (
	"net"
	"sync"
)

// Listener gives the streams that others open for one protocol.
type Listener struct {
	end      *Endpoint
	protocol string
	streams  chan *Stream
	done     chan struct{}
	once     sync.Once
}

// Listen takes streams of a protocol. A protocol has one listener: a later one
// takes over and the former is closed.
func (e *Endpoint) Listen(protocol string) *Listener {
	l := &Listener{end: e, protocol: protocol, streams: make(chan *Stream, maxTakenQueue), done: make(chan struct{})}
	e.mu.Lock()
	old, closing := e.listeners[protocol], e.closing
	e.listeners[protocol] = l
	e.mu.Unlock()
	if old != nil {
		old.Close()
	}
	if closing {
		l.Close()
	}
	return l
}

// hand puts a stream where Accept finds it, or resets it.
func (l *Listener) hand(s *Stream) {
	select {
	case l.streams <- s:
	default:
		s.mu.Lock()
		s.abort(tooMany)
		s.unlock()
	}
	select {
	case <-l.done: // perhaps after Close has looked
		l.clear()
	default:
	}
}

// Accept waits for the next stream; it is a *Stream.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		select {
		case <-l.done:
			return nil, net.ErrClosed
		case s := <-l.streams:
			if s.accept() {
				return s, nil
			}
		}
	}
}

// accept says that a program has the stream; false: it has ended before.
func (s *Stream) accept() bool {
	s.mu.Lock()
	defer s.unlock()
	if s.over || s.reset != 0 {
		return false
	}
	s.end.mu.Lock()
	defer s.end.mu.Unlock()
	s.taking = false
	s.far.pending--
	return true
}

// Close ends Accept, and resets the streams that wait for it. Those that were
// accepted go on.
func (l *Listener) Close() error {
	l.once.Do(func() {
		l.end.mu.Lock()
		if l.end.listeners[l.protocol] == l {
			delete(l.end.listeners, l.protocol)
		}
		l.end.mu.Unlock()
		close(l.done)
		l.clear()
	})
	return nil
}

func (l *Listener) clear() {
	for {
		select {
		case s := <-l.streams:
			s.mu.Lock()
			s.abort(noProtocol)
			s.unlock()
		default:
			return
		}
	}
}

// Addr is this computer.
func (l *Listener) Addr() net.Addr { return address(l.end.cfg.ID) }
