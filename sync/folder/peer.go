package folder

import (
	"context"
	"sync/atomic"
	"time"

	"hither/fusion"
)

// How long a courier waits before it tries again what did not work; doubled up
// to retryMost.
const (
	retryFirst = 250 * time.Millisecond
	retryMost  = 15 * time.Second
)

// peer is a host that is online. Its courier is one goroutine, and one more
// while it holds a link that it dialed.
type peer struct {
	cancel  context.CancelFunc
	poke    chan struct{} // something is to be done; capacity 1
	refresh atomic.Bool   // what Paired says may have changed
	stale   atomic.Bool   // what the other side says of the shares may have changed
}

// recheck makes the courier ask the other side again what it keeps with us. p
// may be nil.
func (p *peer) recheck() {
	if p == nil {
		return
	}
	p.stale.Store(true)
	p.wake()
}

// recheck is for what a host says on its link.
func (s *Store) recheck(host fusion.HostID) {
	s.online(host).recheck()
	s.hub.touch()
}

// wake makes the courier look what is to be done. p may be nil.
func (p *peer) wake() {
	if p == nil {
		return
	}
	select {
	case p.poke <- struct{}{}:
	default: // it will look anyway
	}
}

// SetOnline tells whether a host can be reached now. With true it also says
// that Paired may answer differently than before. Offers that waited for the
// host go out at once, and files flow.
func (s *Store) SetOnline(id fusion.HostID, online bool) {
	s.mu.Lock()
	p := s.peers[id]
	switch {
	case s.closed:
	case online && p == nil:
		ctx, cancel := context.WithCancel(s.ctx)
		p = &peer{cancel: cancel, poke: make(chan struct{}, 1)}
		p.refresh.Store(true)
		s.peers[id] = p
		s.tasks.Go(func() { s.courier(ctx, id, p) })
	case online:
		p.refresh.Store(true)
		p.wake()
	case p != nil:
		p.cancel()
		delete(s.peers, id)
	}
	s.mu.Unlock()
	if !online {
		s.endLink(id)
	}
	s.hub.touch()
}

// Unpaired forgets a host: nothing is shared with it any more. The folders and
// their files stay on both sides.
func (s *Store) Unpaired(id fusion.HostID) {
	s.SetOnline(id, false)
	err := s.change(s.ctx, func(l *ledger) error {
		for i := range l.Folders {
			l.Folders[i].unshare(id)
		}
		delete(l.Devices, id)
		return nil
	})
	if err != nil && s.ctx.Err() == nil {
		s.log.Error("a host could not be forgotten", "host", id, "error", err)
	}
}

// courier does what is to be done with one online host: see that both sides
// keep what each believes is shared, bring the offers, hold the link.
func (s *Store) courier(ctx context.Context, id fusion.HostID, p *peer) {
	s.forgetRefusals(id)
	var (
		checked = false
		linked  chan error // gives the end of the link, while we dial or hold one
		resting = false    // a link broke: no new one before the timer
		began   time.Time
		wait    = retryFirst
		again   = time.NewTimer(time.Hour)
	)
	again.Stop()
	defer again.Stop()
	retry := func() {
		again.Reset(wait)
		wait = min(2*wait, retryMost)
	}
	for {
		err := s.tend(ctx, id, p, &checked)
		if err != nil && ctx.Err() == nil {
			s.log.Debug("a host is not tended yet", "host", s.nameOf(id), "error", err)
			retry()
		}
		if err == nil && linked == nil && !resting && s.wantsLink(id) {
			ended := make(chan error, 1)
			linked, began = ended, time.Now()
			s.tasks.Go(func() { ended <- s.dialLink(ctx, id) })
		}
		select {
		case <-ctx.Done():
			if linked != nil {
				<-linked
			}
			return
		case <-p.poke:
		case <-again.C:
			resting = false
		case err := <-linked:
			if err != nil && ctx.Err() == nil {
				s.log.Debug("no link to a host yet", "host", s.nameOf(id), "error", err)
			}
			if time.Since(began) > retryMost {
				wait = retryFirst
			}
			linked, resting = nil, true
			p.stale.Store(true) // it may have refused, or take files again
			retry()
		}
	}
}

// tend brings to a host's control side what it should know.
func (s *Store) tend(ctx context.Context, id fusion.HostID, p *peer, checked *bool) error {
	if p.refresh.Swap(false) {
		if err := s.reapply(ctx); err != nil {
			p.refresh.Store(true)
			return err
		}
	}
	if p.stale.Swap(false) {
		*checked = false
	}
	if !*checked {
		if err := s.checkShares(ctx, id); err != nil {
			return err
		}
		*checked = true
	}
	return s.bringOffers(ctx, id)
}

// reapply makes the engine follow what Paired says now.
func (s *Store) reapply(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	return s.apply(s.ledger.Load())
}

// wantsLink says whether this host should dial a link to id now.
func (s *Store) wantsLink(id fusion.HostID) bool {
	s.mu.Lock()
	have := s.links[id] != nil
	s.mu.Unlock()
	return !have && s.cfg.Self < id && s.sharesWith(id)
}

// sharesWith says whether files may flow with id for any folder.
func (s *Store) sharesWith(id fusion.HostID) bool {
	for _, f := range s.ledger.Load().Folders {
		for _, sh := range f.Shares {
			if sh.Host == id && s.allowed(sh) {
				return true
			}
		}
	}
	return false
}

func (s *Store) dialLink(ctx context.Context, id fusion.HostID) error {
	stream, err := s.dial(ctx, id, streamData)
	if err != nil {
		return err
	}
	return s.serveLink(ctx, id, stream, true)
}

// online gives the peer of a host, or nil.
func (s *Store) online(id fusion.HostID) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers[id]
}

// spawn runs fn unless the store is closing; Close waits for it.
func (s *Store) spawn(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.tasks.Go(fn)
	}
}
