package audit

import (
	"cmp"
	"crypto/rand"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
)

// Session is what another computer has open here: a screen, a stream, a transfer.
type Session struct {
	log    *Log
	id     string
	record Record // sessions.mu guards its Object
	since  time.Time
	end    func(error)
	noted  bool // its opening is in the log
	// In and Out are the bytes so far, from the other computer and to it.
	In, Out atomic.Int64
}

// sessions are those that are open.
type sessions struct {
	mu  sync.Mutex // guards the fields below
	all map[string]*Session
	// subs are told that something opened, closed, or is about something else now.
	subs map[chan struct{}]bool
}

// tell wakes whoever watches. mu is held.
func (s *sessions) tell() {
	for sub := range s.subs {
		select {
		case sub <- struct{}{}:
		default: // it is to look already
		}
	}
}

// Live is a session as it is now.
type Live struct {
	ID     string
	Record // Host, Name, What, Object and Trace; In and Out so far
	Since  time.Time
	// noted as in Open: not a call that is answered at once.
	noted bool
}

// Open notes that a computer opened something. end is called, from any goroutine and
// perhaps more than once, when the owner wants it ended; the caller then calls Close.
// noted writes its opening down too.
func (l *Log) Open(r Record, noted bool, end func(error)) *Session {
	s := &Session{log: l, id: rand.Text()[:8], record: r, since: l.cfg.Now(), end: end, noted: noted}
	l.sessions.mu.Lock()
	if l.sessions.all == nil {
		l.sessions.all = map[string]*Session{}
	}
	l.sessions.all[s.id] = s
	if noted {
		l.sessions.tell()
	}
	l.sessions.mu.Unlock()
	if noted {
		r.Result = Opened
		l.warn(l.Record(r, false))
	}
	return s
}

// About says what a session is about, once that is known.
func (s *Session) About(object string) {
	s.log.sessions.mu.Lock()
	defer s.log.sessions.mu.Unlock()
	s.record.Object = object
	if s.noted {
		s.log.sessions.tell()
	}
}

// Close notes the end of a session, with why.
func (s *Session) Close(err error) {
	l := s.log
	l.sessions.mu.Lock()
	_, open := l.sessions.all[s.id]
	delete(l.sessions.all, s.id)
	if s.noted {
		l.sessions.tell()
	}
	r := s.record
	l.sessions.mu.Unlock()
	if !open {
		return
	}
	if !s.noted {
		return // its call's own record says all
	}
	r.Result, r.Ms, r.In, r.Out = ResultOf(err), l.cfg.Now().Sub(s.since).Milliseconds(), s.In.Load(), s.Out.Load()
	if err != nil {
		r.Error = err.Error()
	}
	if r.Result == OK {
		r.Result = Ended
	}
	l.warn(l.Record(r, r.Result == Refused))
}

func (l *Log) warn(err error) {
	if err != nil {
		l.cfg.Log.Warn("what another computer did is not written down", "err", err)
	}
}

// Live lists what other computers have open, oldest first.
func (l *Log) Live() []Live {
	l.sessions.mu.Lock()
	defer l.sessions.mu.Unlock()
	var out []Live
	for _, s := range l.sessions.all {
		r := s.record
		r.In, r.Out = s.In.Load(), s.Out.Load()
		out = append(out, Live{ID: s.id, Record: r, Since: s.since, noted: s.noted})
	}
	slices.SortFunc(out, func(a, b Live) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return out
}

// End ends the sessions with an ID, or all of a computer, and gives how many there were.
func (l *Log) End(id string, host fusion.HostID) int {
	l.sessions.mu.Lock()
	var ended []*Session
	for _, s := range l.sessions.all {
		if id != "" && s.id == id || host != "" && s.record.Host == host {
			ended = append(ended, s)
		}
	}
	l.sessions.mu.Unlock()
	why := &fusion.Error{Op: "host.kick", Cause: fusion.ErrPermission, Detail: "the owner there ended it", Hint: "ask there whether you may go on"}
	for _, s := range ended {
		s.end(why)
	}
	return len(ended)
}
