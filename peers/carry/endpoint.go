package carry

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"hither/fusion"
)

// Carrier carries a stream for a while: a stream of libp2p, a TCP connection.
type Carrier interface {
	io.Reader
	io.Writer
	// CloseWrite ends this direction after what was written.
	CloseWrite() error
	// Reset ends it at once; a waiting Read or Write returns. It may come twice,
	// and from another goroutine.
	Reset() error
}

// Config says what an Endpoint is to others. ID and Dial are required.
type Config struct {
	ID fusion.HostID
	// Dial opens a carrier to a computer. now carries the stream at present, nil
	// when nothing does. It gives nil when there is no path, or none that is
	// better than now's; Endpoint.Path says when that may have changed. After an
	// error it is called again by itself, and once more when a carrier that has a
	// method Busy was told that it carries much.
	Dial func(ctx context.Context, id fusion.HostID, now Carrier) (Carrier, error)
	// Allowed says who may open streams. Default: everybody.
	Allowed func(fusion.HostID) bool
	// Patience is how long a stream lives without a carrier. Default: 2 minutes.
	Patience time.Duration
	// Offline makes the error of a stream that ended so. Default: fusion.ErrOffline.
	Offline func(fusion.HostID) error
	// Log gets what the owner would want in a report. Default: silent.
	Log *slog.Logger
}

// Bounds of what one computer may do here.
const (
	maxStreams    = 1536 // that it opened
	maxPending    = 512  // of them, those that wait for Accept
	attachBurst   = 4 * maxStreams
	attachesASec  = 2000
	goodbyeTime   = 200 * time.Millisecond // for telling others when the endpoint ends
	patientFor    = 2 * time.Minute
	maxTakenQueue = 1024 // streams that wait for one Accept
)

// Endpoint is this computer's end of all its streams. All methods may be called
// from many goroutines.
type Endpoint struct {
	cfg  Config
	boot uint64 // tells this process from the one before

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	// mu guards the fields below and those of remotes. It is taken after
	// Stream.mu, never before.
	mu        sync.Mutex
	closing   bool // no new streams
	closed    bool // no new goroutines
	remotes   map[fusion.HostID]*remote
	listeners map[string]*Listener
	streams   int
	paths     int           // carriers that run
	none      chan struct{} // closed when closing and there is neither
}

// remote is another computer.
type remote struct {
	end                *Endpoint
	id                 fusion.HostID
	sending, receiving budget

	// Endpoint.mu guards the fields below.
	taken   map[ID]*Stream // that it opened
	opened  map[*Stream]bool
	pending int
	boot    uint64 // its latest process
	tokens  float64
	asOf    time.Time
}

// New makes an endpoint. It starts nothing.
func New(cfg Config) *Endpoint {
	if cfg.Allowed == nil {
		cfg.Allowed = func(fusion.HostID) bool { return true }
	}
	if cfg.Offline == nil {
		cfg.Offline = func(fusion.HostID) error { return fusion.ErrOffline }
	}
	if cfg.Patience == 0 {
		cfg.Patience = patientFor
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &Endpoint{cfg: cfg, boot: uint64(time.Now().UnixNano()),
		remotes: map[fusion.HostID]*remote{}, listeners: map[string]*Listener{}, none: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Boot tells this process from those before and after it; others learn it with
// every carrier, and may with Met.
func (e *Endpoint) Boot() uint64 { return e.boot }

var errStopped = fmt.Errorf("%w: %v", fusion.ErrOffline, stopping)

// start runs f in a goroutine that Close waits for; after Close it does not.
func (e *Endpoint) start(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.wg.Go(f)
	return true
}

// remoteLocked gives what is kept of a computer.
func (e *Endpoint) remoteLocked(id fusion.HostID) *remote {
	r := e.remotes[id]
	if r == nil {
		r = &remote{end: e, id: id, taken: map[ID]*Stream{}, opened: map[*Stream]bool{}, tokens: attachBurst, asOf: time.Now()}
		r.sending.free, r.receiving.free = sharedSending, sharedReceiving
		e.remotes[id] = r
	}
	return r
}

// Open makes a stream for a protocol of another computer. It is nothing to the
// other side until Connect; one that is given up is Reset.
func (e *Endpoint) Open(id fusion.HostID, protocol string) (*Stream, error) {
	if len(protocol) > maxProtocol {
		return nil, fmt.Errorf("%w: a protocol's name has %d bytes at most", fusion.ErrInvalid, maxProtocol)
	}
	var name ID
	rand.Read(name[:]) // it never fails
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return nil, errStopped
	}
	r := e.remoteLocked(id)
	s := newStream(e, r, name, protocol, true)
	r.opened[s] = true
	e.streams++
	return s, nil
}

// remove forgets a stream that is over.
func (r *remote) remove(s *Stream) {
	e := r.end
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.opener {
		delete(r.opened, s)
	} else {
		delete(r.taken, s.id)
		if s.taking {
			s.taking = false
			r.pending--
		}
	}
	e.countLocked(&e.streams, -1)
}

// countLocked changes the number of streams or paths.
func (e *Endpoint) countLocked(number *int, by int) {
	*number += by
	if e.closing && e.streams == 0 && e.paths == 0 {
		select {
		case <-e.none:
		default:
			close(e.none)
		}
	}
}

func (e *Endpoint) count(number *int, by int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.countLocked(number, by)
}

// all gives the streams with a computer.
func (r *remote) all() []*Stream {
	r.end.mu.Lock()
	defer r.end.mu.Unlock()
	list := make([]*Stream, 0, len(r.taken)+len(r.opened))
	for s := range r.opened {
		list = append(list, s)
	}
	for _, s := range r.taken {
		list = append(list, s)
	}
	return list
}

// Path says that there may be a new or a better path to a computer: streams that
// this side opened ask Dial for a carrier.
func (e *Endpoint) Path(id fusion.HostID) {
	e.mu.Lock()
	r := e.remotes[id]
	e.mu.Unlock()
	if r == nil {
		return
	}
	for _, s := range r.all() {
		s.mu.Lock()
		s.seek()
		s.unlock()
	}
}

// Met says which process of a computer answers now. Streams with an earlier one
// are reset: it was killed and knows nothing of them.
func (e *Endpoint) Met(id fusion.HostID, boot uint64) {
	e.mu.Lock()
	r := e.remotes[id]
	e.mu.Unlock()
	if r != nil {
		r.met(boot)
	}
}

// met does so. A number that is lower is either late news of an earlier process,
// or that of a computer whose clock was put back; neither is acted upon.
func (r *remote) met(boot uint64) {
	r.end.mu.Lock()
	news := boot > r.boot
	r.boot = max(r.boot, boot)
	r.end.mu.Unlock()
	if !news {
		return
	}
	for _, s := range r.all() {
		s.mu.Lock()
		if s.boot != 0 && s.boot < boot {
			s.fail(refusal(unknown))
		}
		s.unlock()
	}
}

// Drop resets all streams with a computer: it is not trusted any more.
func (e *Endpoint) Drop(id fusion.HostID) {
	e.mu.Lock()
	r := e.remotes[id]
	e.mu.Unlock()
	if r == nil {
		return
	}
	for _, s := range r.all() {
		s.mu.Lock()
		s.fail(refusal(notPaired))
		s.unlock()
	}
}

// Close ends the endpoint: Stop and Wait.
func (e *Endpoint) Close() error {
	e.Stop()
	e.Wait()
	return nil
}

// Wait waits for every goroutine after Stop. It may need the carriers to end.
func (e *Endpoint) Wait() { e.wg.Wait() }

// Stop resets all streams and the listeners, and tells the other sides where it
// can within a moment.
func (e *Endpoint) Stop() {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return
	}
	e.closing = true
	e.countLocked(&e.streams, 0)
	var listeners []*Listener
	for _, l := range e.listeners {
		listeners = append(listeners, l)
	}
	e.mu.Unlock()
	e.cancel()
	for _, l := range listeners {
		l.Close()
	}
	e.each(func(s *Stream) { s.abort(stopping) })
	select {
	case <-e.none:
	case <-time.After(goodbyeTime):
	}
	e.each(func(s *Stream) { s.fail(errStopped) })
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
}

func (e *Endpoint) each(f func(*Stream)) {
	e.mu.Lock()
	var all []*remote
	for _, r := range e.remotes {
		all = append(all, r)
	}
	e.mu.Unlock()
	for _, r := range all {
		for _, s := range r.all() {
			s.mu.Lock()
			f(s)
			s.unlock()
		}
	}
}
