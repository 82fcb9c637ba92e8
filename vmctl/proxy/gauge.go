package proxy

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// Kept is how many seconds of throughput a Gauge keeps.
const Kept = 300

// Gauge counts what passes through a port, second by second, and slows it. It costs nothing
// while nothing passes, so it needs nobody who asks. A nil Gauge counts nothing. All methods
// may be called from many goroutines.
type Gauge struct {
	in, out way

	mu    sync.Mutex // guards the fields below
	open  int
	total int64
	now   func() time.Time
	ring  []Second // Kept slots by second, nil until something passed
}

// Second is what passed in one second: In came from where the port leads.
type Second struct {
	At      int64 // seconds since 1970
	In, Out int64 // bytes
}

// Passed is what a Gauge has counted.
type Passed struct {
	Open    int   // connections now
	Total   int64 // connections since it was made
	In, Out int64 // bytes
}

// way is one direction of a Gauge.
type way struct {
	g     *Gauge
	in    bool
	limit atomic.Pointer[limit] // nil: none
	bytes int64                 // guarded by g.mu
}

// limit is how fast bytes may pass.
type limit struct {
	*rate.Limiter
	chunk int // what is copied at once at most
}

// NewGauge makes a gauge that lets at most limit bytes a second pass each way; 0 is no limit.
func NewGauge(limit int64) *Gauge {
	g := &Gauge{now: time.Now}
	g.in.g, g.out.g, g.in.in = g, g, true
	g.SetLimit(limit)
	return g
}

// SetLimit changes how many bytes a second pass each way, 0 for no limit, also on the
// connections that there are: what waits already has its turn by the limit of before.
func (g *Gauge) SetLimit(bytes int64) {
	g.in.limit.Store(newLimit(bytes))
	g.out.limit.Store(newLimit(bytes))
}

func newLimit(bytes int64) *limit {
	if bytes <= 0 {
		return nil
	}
	// A burst holds the largest copy and the largest datagram.
	burst := max(int(min(bytes, 1<<30))/10, maxDatagram)
	l := &limit{rate.NewLimiter(rate.Limit(bytes), burst), max(int(min(bytes, 1<<30))/20, 512)}
	l.AllowN(time.Now(), burst) // a new tunnel does not begin with a flood
	return l
}

func (g *Gauge) inward() *way {
	if g == nil {
		return nil
	}
	return &g.in
}

func (g *Gauge) outward() *way {
	if g == nil {
		return nil
	}
	return &g.out
}

func (g *Gauge) enter() { g.opened(1) }
func (g *Gauge) leave() { g.opened(-1) }

// Enter counts a connection that no Port of the gauge's took; Leave ends it.
func (g *Gauge) Enter() { g.enter() }
func (g *Gauge) Leave() { g.leave() }

func (g *Gauge) opened(by int) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open += by
	if by > 0 {
		g.total++
	}
}

// most is how much is copied at once at most: with a limit so little that it flows evenly.
func (w *way) most() int {
	if w == nil {
		return largeCopy
	}
	if l := w.limit.Load(); l != nil {
		return l.chunk
	}
	return largeCopy
}

// moved counts n bytes, and waits until they may pass. It fails when ctx ends only.
func (w *way) moved(ctx context.Context, n int) error {
	if w == nil {
		return nil
	}
	if l := w.limit.Load(); l != nil {
		for left := n; left > 0; { // what was read by a higher limit may be more than a burst
			some := min(left, l.Burst())
			if err := l.WaitN(ctx, some); err != nil {
				return err
			}
			left -= some
		}
	}
	g := w.g
	g.mu.Lock()
	defer g.mu.Unlock()
	w.bytes += int64(n)
	if g.ring == nil {
		g.ring = make([]Second, Kept)
	}
	at := g.now().Unix()
	s := &g.ring[at%Kept]
	if s.At != at {
		*s = Second{At: at}
	}
	if w.in {
		s.In += int64(n)
	} else {
		s.Out += int64(n)
	}
	return nil
}

// Passed gives the sums.
func (g *Gauge) Passed() Passed {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Passed{Open: g.open, Total: g.total, In: g.in.bytes, Out: g.out.bytes}
}

// Last gives what passed in each of the last n whole seconds, oldest first; n is at most
// Kept - 1.
func (g *Gauge) Last(n int) []Second {
	n = min(n, Kept-1)
	out := make([]Second, n)
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.now().Unix() - int64(n)
	for i := range out {
		at := first + int64(i)
		out[i] = Second{At: at}
		if g.ring != nil && g.ring[at%Kept].At == at {
			out[i] = g.ring[at%Kept]
		}
	}
	return out
}

// metered counts and slows what is read from a connection, or written to it.
type metered struct {
	ctx  context.Context
	conn net.Conn
	raw  syscall.RawConn // nil where it has none
	way  *way
}

func meter(ctx context.Context, conn net.Conn, way *way) *metered {
	m := &metered{ctx: ctx, conn: conn, way: way}
	if c, ok := conn.(syscall.Conn); ok {
		m.raw, _ = c.SyscallConn() // a connection that is closed says so when it is used
	}
	return m
}

func (m *metered) Read(b []byte) (int, error) {
	n, err := m.conn.Read(b[:min(len(b), m.way.most())])
	if n > 0 {
		if merr := m.way.moved(m.ctx, n); merr != nil {
			return 0, merr
		}
	}
	return n, err
}

// TryWrite writes what the connection takes at once; with a limit it leaves all to Write,
// which waits.
func (m *metered) TryWrite(b []byte) (n int, err error) {
	if m.raw == nil || m.way != nil && m.way.limit.Load() != nil {
		return 0, nil
	}
	if n, err = tryWrite(m.raw, b); n > 0 {
		err = m.way.moved(m.ctx, n)
	}
	return n, err
}

func (m *metered) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		n := min(len(b), m.way.most())
		if err := m.way.moved(m.ctx, n); err != nil {
			return written, err
		}
		n, err := m.conn.Write(b[:n])
		if written += n; err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}

// counted is a connection whose bytes a Gauge counts and slows.
type counted struct {
	net.Conn
	ctx context.Context
	g   *Gauge
}

// Count gives a connection to where a port leads, whose reads are counted as in and whose
// writes as out; ctx ends what waits. It is for bytes that Join does not copy.
func (g *Gauge) Count(ctx context.Context, conn net.Conn) net.Conn { return &counted{conn, ctx, g} }

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:min(len(b), c.g.inward().most())])
	if merr := c.g.inward().moved(c.ctx, n); merr != nil {
		return 0, merr
	}
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	if err := c.g.outward().moved(c.ctx, len(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
