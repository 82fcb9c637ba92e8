package peers

import (
	"context"
	"net"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// knocker asks an address again and again whether the path to it is back. TCP
// itself repeats a lost SYN after 1 s, 3 s and 7 s (RFC 6298), so a dial that
// began while the path was away may sleep for seconds after it came back.
type knocker struct {
	every time.Duration
	dial  func(ctx context.Context) error // connects and hangs up
	back  func()                          // called at most once: a later knock was answered, an earlier one was not

	mu       sync.Mutex
	waiting  []int // knocks without an answer, oldest first
	answered bool
}

// knockEvery is the time between two knocks.
const knockEvery = 250 * time.Millisecond

// run knocks until ctx ends or the path turned out to be back. All its
// goroutines have ended when it returns.
func (k *knocker) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var knocks sync.WaitGroup
	defer knocks.Wait()
	ticker := time.NewTicker(k.every)
	defer ticker.Stop()
	for number := 0; ; number++ {
		k.mu.Lock()
		k.waiting = append(k.waiting, number)
		k.mu.Unlock()
		knocks.Go(func() { k.knock(ctx, cancel, number) })
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (k *knocker) knock(ctx context.Context, cancel func(), number int) {
	err := k.dial(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	earlier := len(k.waiting) > 0 && k.waiting[0] < number
	for i, n := range k.waiting {
		if n == number {
			k.waiting = append(k.waiting[:i], k.waiting[i+1:]...)
			break
		}
	}
	if err != nil || k.answered {
		return
	}
	k.answered = true
	cancel()
	if earlier {
		k.back()
	}
}

// knock knocks at every TCP address of a computer until the returned function
// is called. When the path comes back, dials that are under way begin anew. One
// caller at a time knocks.
func (n *Network) knock(ctx context.Context, l *link, addrs []ma.Multiaddr) (stop func()) {
	n.mu.Lock()
	was := l.knocking
	l.knocking = true
	n.mu.Unlock()
	if was {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, addr := range addrs {
		network, at, err := manet.DialArgs(addr)
		if err != nil || network != "tcp4" && network != "tcp6" {
			continue
		}
		k := &knocker{every: knockEvery, back: func() { n.redial(l) }, dial: func(ctx context.Context) error {
			conn, err := new(net.Dialer).DialContext(ctx, network, at)
			if err == nil {
				err = conn.Close()
			}
			return err
		}}
		running.Go(func() { k.run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		l.knocking = false
	}
}

// attempt is one dial of a link.
type attempt struct {
	cancel  context.CancelFunc
	relayed bool // through routers too
}

// redial ends the dials of a link that are under way; each begins anew.
func (n *Network) redial(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for a := range l.attempts {
		a.cancel()
	}
}

// attempt gives a context for one dial, which redial ends. done comes after it.
func (n *Network) attempt(ctx context.Context, l *link, within time.Duration, relayed bool) (_ context.Context, done func()) {
	ctx, cancel := context.WithTimeout(ctx, within)
	stop := context.AfterFunc(n.ctx, cancel) // whoever dials need not know that the network closes
	a := &attempt{cancel, relayed}
	n.mu.Lock()
	defer n.mu.Unlock()
	l.attempts[a] = true
	return ctx, func() {
		stop()
		cancel()
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(l.attempts, a)
	}
}
