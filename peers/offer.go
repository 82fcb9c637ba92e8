package peers

import (
	"context"
	"sync"
	"time"

	"hither/fusion"
)

// Offer is an open pairing code: it can be used once, until it expires, and
// three wrong guesses burn it.
type Offer struct {
	// Code is what the other person types: 4711-apple-river-stone.
	Code string
	// Addr is where this computer is, for one that mDNS does not reach.
	Addr    string
	Expires time.Time

	network *Network
	code    code
	grants  []fusion.Capability
	timer   *time.Timer

	// offers.mu guards the fields below.
	wrong   int
	running int // exchanges on their way
	ended   refusal
	// withdrawn is closed when ended is set.
	withdrawn chan struct{}
	// done is closed after peer or err is set.
	done chan struct{}
	peer Peer
	err  error
}

const (
	maxWrong   = 3
	maxRunning = 4
	// maxEnded is how many past codes are remembered, to say why they are no use.
	maxEnded = 16
)

// offers is the open code, if any, and the last ones that have ended.
type offers struct {
	limiter limiter
	mu      sync.Mutex
	open    *Offer
	past    []*Offer
}

func (o *offers) init(now func() time.Time) { o.limiter.now = now }

// Offer makes a code that another computer can Join with. grants is what that
// one may do here; none means admin, which is all. One code is open at a time: a
// new one withdraws the former, whose Wait then says ErrBusy.
func (n *Network) Offer(ctx context.Context, grants []fusion.Capability) (*Offer, error) {
	grants, err := pairGrants(grants)
	if err != nil {
		return nil, err
	}
	addrs := n.Addrs()
	if len(addrs) == 0 || n.ctx.Err() != nil {
		return nil, errClosed("host.pair")
	}
	o := &Offer{network: n, grants: grants, done: make(chan struct{}), withdrawn: make(chan struct{}), code: newCode(), Addr: addrs[0],
		Expires: n.cfg.tune.now().Add(n.cfg.OfferFor)}
	for n.offers.taken(o.code.number) || n.nearby.offers(o.code.number) {
		o.code = newCode()
	}
	o.Code = o.code.String()
	o.timer = time.AfterFunc(n.cfg.OfferFor, func() { n.offers.end(o, refusedExpired, refusedExpired.err()) })
	n.offers.begin(o)
	n.announceOffer(o)
	n.cfg.Log.Info("pairing code made", "number", o.code.number, "expires", o.Expires, "trace", fusion.Trace(ctx))
	return o, nil
}

func pairGrants(grants []fusion.Capability) ([]fusion.Capability, error) {
	if len(grants) == 0 {
		return []fusion.Capability{fusion.AdminCap}, nil
	}
	return checkGrants(grants)
}

// Wait blocks until the code was used (then it gives the new computer), burnt,
// expired, replaced or withdrawn. Ending ctx does not withdraw the code.
func (o *Offer) Wait(ctx context.Context) (Peer, error) {
	select {
	case <-o.done:
		return o.peer, o.err
	case <-ctx.Done():
		return Peer{}, ctx.Err()
	}
}

// Close withdraws the code. A pairing that is past its last question is not undone.
func (o *Offer) Close() error {
	o.network.offers.end(o, refusedUnknown, &fusion.Error{Op: "host.pair", Cause: fusion.ErrNotFound, Detail: "the code was withdrawn"})
	return nil
}

func (s *offers) begin(o *Offer) {
	s.limiter.reset()
	s.mu.Lock()
	old := s.open
	s.open = o
	s.mu.Unlock()
	if old != nil {
		s.end(old, refusedUnknown, &fusion.Error{Op: "host.pair", Cause: fusion.ErrBusy, Detail: "a newer code was made",
			Hint: "use the newer code; one is open at a time"})
	}
}

func (s *offers) close() {
	s.mu.Lock()
	o := s.open
	s.mu.Unlock()
	if o != nil {
		s.end(o, refusedUnknown, errClosed("host.pair"))
	}
}

// end closes a code that is still open; one that has been used decides itself.
func (s *offers) end(o *Offer, why refusal, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.ended == "" {
		s.retire(o, why)
		o.err = err
		close(o.done)
	}
}

// retire makes a code one of the past. s.mu is held.
func (s *offers) retire(o *Offer, why refusal) {
	o.ended = why
	o.timer.Stop()
	if s.open == o {
		s.open = nil
	}
	s.past = append(s.past, o)
	if len(s.past) > maxEnded {
		s.past = s.past[1:]
	}
	close(o.withdrawn)
}

// taken says whether a number belongs to a code of late.
func (s *offers) taken(number string) bool {
	_, why := s.find(number)
	return why != refusedUnknown
}

// find gives the open code with a number, or why there is none.
func (s *offers) find(number string) (*Offer, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil && s.open.code.number == number {
		return s.open, ""
	}
	for _, o := range s.past {
		if o.code.number == number {
			return nil, o.ended
		}
	}
	return nil, refusedUnknown
}

// enter begins an exchange. The clock counts even when the timer is late.
func (s *offers) enter(number string, now time.Time) (*Offer, refusal) {
	o, why := s.find(number)
	if o != nil && !now.Before(o.Expires) {
		s.end(o, refusedExpired, refusedExpired.err())
		return nil, refusedExpired
	}
	if o == nil {
		return nil, why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.running >= maxRunning {
		return nil, refusedBusy
	}
	o.running++
	return o, ""
}

func (s *offers) leave(o *Offer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.running--
}

// claim decides on a proof: the first right one uses the code up, each wrong
// one counts, and none counts any more once the code has ended.
func (s *offers) claim(o *Offer, right bool) refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case o.ended != "":
		return o.ended
	case right:
		s.retire(o, refusedUsed)
		return ""
	}
	o.wrong++
	if o.wrong < maxWrong {
		return refusedWrong
	}
	s.retire(o, refusedBurnt)
	o.err = refusedBurnt.err()
	close(o.done)
	return refusedBurnt
}

// settle tells Wait how a used code went.
func (s *offers) settle(o *Offer, p Peer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.peer, o.err = p, err
	close(o.done)
}
