package vmctl

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"hither/fusion"
)

// connectTimeout bounds one attempt to connect.
const connectTimeout = 30 * time.Second

// connect opens the hypervisor and lists it. It is called by Open, then by run
// only.
func (s *Store) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	uri, err := s.config.resolve(ctx)
	var conn driver
	if err == nil {
		conn, err = s.open(ctx, uri)
	}
	if err = offline(err); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.why = err
		return err
	}
	s.mu.Lock()
	s.conn, s.calls, s.uri, s.why = conn, &sync.WaitGroup{}, uri, nil
	s.mu.Unlock()
	if err := s.relist(ctx); err != nil {
		s.drop(conn)
		return offline(err)
	}
	s.settle(ctx, false)
	signal(s.unsettled)
	signal(s.schedules.changed)
	return nil
}

// offline gives an error without one of fusion's causes the cause ErrOffline.
func offline(err error) error {
	if err == nil || fusion.CauseName(err) != "" {
		return err
	}
	return &fusion.Error{Op: "machines", Cause: fusion.ErrOffline, Detail: err.Error(), Hint: cmp.Or(fusion.Hint(err), "hither doctor says more")}
}

// open calls the driver's opener, which may block longer than ctx lasts.
func (s *Store) open(ctx context.Context, uri string) (driver, error) {
	type result struct {
		conn driver
		err  error
	}
	done := make(chan result)
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		defer func() { <-s.slots }()
		conn, err := s.config.open(uri, s.touch)
		select {
		case done <- result{conn, err}:
		case <-ctx.Done():
			if err == nil {
				err = conn.close()
			}
			if err != nil {
				s.config.Log.Debug("a late connection", "uri", uri, "error", err)
			}
		}
	}()
	select {
	case r := <-done:
		return r.conn, fail("machines.connect", uri, r.err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// touch notes that a domain changed. It never blocks.
func (s *Store) touch(uuid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touchLocked(uuid)
}

func (s *Store) touchLocked(uuid string) {
	s.dirty[uuid] = true
	signal(s.wake)
	for heard := range s.listeners[uuid] {
		signal(heard)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run follows events and reconnects, until Close.
func (s *Store) run() {
	defer s.running.Done()
	for s.ctx.Err() == nil {
		s.mu.Lock()
		conn, off := s.conn, s.off()
		s.mu.Unlock()
		switch {
		case conn != nil:
			s.follow(conn)
		case off:
			<-s.ctx.Done()
		default:
			s.reconnect()
		}
	}
}

// takeOver is after how long a new connection's machines are listed again: a daemon that
// has just started takes its QEMUs over in the background, and tells nobody when one of
// them is gone.
const takeOver = 10 * time.Second

// follow handles events until the connection breaks or the Store closes.
func (s *Store) follow(conn driver) {
	takenOver := time.After(takeOver)
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-conn.lost():
			s.config.Log.Warn("libvirt is away", "uri", s.URI())
			s.drop(conn)
			return
		case <-s.wake:
			s.learnAll(s.takeDirty())
		case <-takenOver:
			if err := s.relist(s.ctx); err != nil {
				s.config.Log.Debug("the machines could not be listed again", "error", err)
			}
		}
	}
}

// manyChanged is from how many changed domains on one call for all costs less than
// one for each.
const manyChanged = 16

// learnAll brings records up to date after events.
func (s *Store) learnAll(uuids []string) {
	if len(uuids) >= manyChanged && s.relist(s.ctx) == nil {
		return
	}
	for _, uuid := range uuids {
		s.learn(uuid)
	}
}

// learn brings one record up to date after an event.
func (s *Store) learn(uuid string) {
	_, err := s.refresh(s.ctx, uuid)
	if err != nil && !errors.Is(err, fusion.ErrNotFound) && s.ctx.Err() == nil {
		s.config.Log.Debug("an event could not be followed", "uuid", uuid, "error", err)
	}
}

func (s *Store) takeDirty() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var uuids []string
	for uuid := range s.dirty {
		uuids = append(uuids, uuid)
	}
	clear(s.dirty)
	return uuids
}

// drop gives a broken connection up, unless that was done already, and shows its
// machines as failed, but those that were off.
func (s *Store) drop(conn driver) {
	s.mu.Lock()
	if s.conn != conn {
		s.mu.Unlock()
		return
	}
	s.conn = nil
	s.why = &fusion.Error{Op: "machines", Cause: fusion.ErrOffline, Detail: "the connection to libvirt broke",
		Hint: "Hither connects again by itself; hither doctor says more"}
	for _, r := range s.records {
		s.seq++
		r.seq = s.seq
		r.detail = "libvirt does not answer"
		if r.active {
			r.state, r.detail = fusion.Failed, "libvirt does not answer; it may still run"
		}
		s.tellLocked(s.machineLocked(r), false)
	}
	calls := s.calls
	s.mu.Unlock()
	s.running.Go(func() { s.release(conn, calls) })
}

// release closes a connection that nobody is given any more, after its last call: the
// library's calls do not stand a close under their hands.
func (s *Store) release(conn driver, calls *sync.WaitGroup) {
	calls.Wait()
	if err := conn.close(); err != nil {
		s.config.Log.Debug("closing a connection", "error", err)
	}
}

// reconnect tries until it is connected, waiting twice as long each time up to
// half a minute.
func (s *Store) reconnect() {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
		err := s.connect(s.ctx)
		if err == nil {
			s.config.Log.Info("libvirt is back", "uri", s.URI())
			return
		}
		if errors.Is(err, fusion.ErrUnsupported) || s.ctx.Err() != nil {
			return
		}
		s.config.Log.Debug("libvirt is still away", "error", err)
	}
}
