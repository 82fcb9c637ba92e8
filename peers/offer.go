package peers

import (
	"context"
	"slices"
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
	Addr string
	// Through is HOST:PORT of the computer Router, at which a computer elsewhere finds this
	// one: it types CODE@HOST:PORT. It is a router, or this one if a port is open for it in
	// its network's router. Both are "" without either.
	Through, Router string
	Expires         time.Time

	network *Network
	code    code
	grants  []fusion.Grant
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
	// maxInvites bounds the codes of Invite that are open at a time.
	maxInvites = 64
)

// offers is the open code, if any, and the last ones that have ended.
type offers struct {
	limiter limiter
	changed func() // the open code is another one
	mu      sync.Mutex
	open    *Offer
	past    []*Offer
	invited []*Offer // by Invite, open
}

func (o *offers) init(now func() time.Time, changed func()) { o.limiter.now, o.changed = now, changed }

// number gives that of the open code, "" when none is.
func (o *offers) number() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == nil {
		return ""
	}
	return o.open.code.number
}

// Offer makes a code that another computer can Join with. grants is what that
// one may do here; none means admin, which is all. One code is open at a time: a
// new one withdraws the former, whose Wait then says ErrBusy.
func (n *Network) Offer(ctx context.Context, grants []fusion.Grant) (*Offer, error) {
	grants, err := n.pairGrants(grants)
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
	o.Through, o.Router = n.rendezvous()
	o.timer = time.AfterFunc(n.cfg.OfferFor, func() { n.offers.end(o, refusedExpired, refusedExpired.err()) })
	n.offers.begin(o)
	n.announceOffer(o)
	n.cfg.Log.Info("pairing code made", "number", o.code.number, "expires", o.Expires, "trace", fusion.Trace(ctx))
	return o, nil
}

// Invite opens a code for a computer that nobody sits at, beside the one that a person
// reads aloud: it is not announced, and stays open until a time. grants is what that
// computer may do here; none is nothing. was is "", or a code that was open before the
// network was. It promises ErrBusy when too many are open.
func (n *Network) Invite(ctx context.Context, was string, grants []fusion.Grant, until time.Time) (*Offer, error) {
	grants, err := checkGrants(grants)
	if err != nil {
		return nil, err
	}
	c := newCode()
	for n.offers.taken(c.number) || n.nearby.offers(c.number) {
		c = newCode()
	}
	if was != "" {
		if c, err = parseCode(was); err != nil {
			return nil, err
		}
	}
	within := until.Sub(n.cfg.tune.now())
	o := &Offer{network: n, grants: grants, done: make(chan struct{}), withdrawn: make(chan struct{}), code: c, Code: c.String(), Expires: until}
	o.timer = time.AfterFunc(within, func() { n.offers.end(o, refusedExpired, refusedExpired.err()) })
	if !n.offers.invite(o) || n.ctx.Err() != nil {
		o.timer.Stop()
		return nil, &fusion.Error{Op: "host.pair", Cause: fusion.ErrBusy, Detail: "too many codes are open", Hint: "wait until some of them are used"}
	}
	n.cfg.Log.Info("a computer is expected to pair itself", "number", c.number, "expires", until, "trace", fusion.Trace(ctx))
	return o, nil
}

// invite adds a code that stays open beside the one that is announced.
func (s *offers) invite(o *Offer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.invited) >= maxInvites || slices.ContainsFunc(s.invited, func(i *Offer) bool { return i.code.number == o.code.number }) {
		return false
	}
	s.invited = append(s.invited, o)
	return true
}

func (n *Network) pairGrants(grants []fusion.Grant) ([]fusion.Grant, error) {
	if len(grants) == 0 {
		return fusion.Whole(fusion.AdminCap), nil
	}
	grants, err := checkGrants(grants)
	if err == nil {
		err = n.checkEnds(grants)
	}
	if err == nil && len(grants) > maxPairGrants {
		err = errTooMany(maxPairGrants)
	}
	return grants, err
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
	s.changed()
	if old != nil {
		s.end(old, refusedUnknown, &fusion.Error{Op: "host.pair", Cause: fusion.ErrBusy, Detail: "a newer code was made",
			Hint: "use the newer code; one is open at a time"})
	}
}

func (s *offers) close() {
	s.mu.Lock()
	all := slices.Clone(s.invited)
	if s.open != nil {
		all = append(all, s.open)
	}
	s.mu.Unlock()
	for _, o := range all {
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
		s.changed()
	}
	s.invited = slices.DeleteFunc(s.invited, func(i *Offer) bool { return i == o })
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
	for _, o := range s.invited {
		if o.code.number == number {
			return o, ""
		}
	}
	for _, o := range slices.Backward(s.past) { // of one that was open again, the last end counts
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
