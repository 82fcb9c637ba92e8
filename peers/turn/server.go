package turn

import (
	"cmp"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// The bounds of a server. Each screen that is seen through it takes two allocations,
// one of each computer.
const (
	maxOfHost = 32
	maxOfAll  = 256
	// lifetime of an allocation that is not refreshed: that of a computer that went
	// without a word.
	lifetime = 5 * time.Minute
	// What one computer may send, in bytes a second, and at once: more than a screen
	// needs, less than what keeps a router from its other work.
	bytesASecond = 16 << 20
	bytesAtOnce  = 1 << 20
	// Requests of everybody: a screen takes some twenty, and then one a minute. Until
	// it is known who asks, more may be a flood whose answers go to somebody else.
	requestsASecond = 200
	requestsAtOnce  = 400
	// Datagrams that wait for a socket's reader, and for an allocation's.
	socketQueue = 256
	relayQueue  = 128
	realm       = "hither"
)

// Config of a Server. Member is required.
type Config struct {
	// Member says whether a host may use the server now. It is called for each
	// request, and does not block.
	Member func(host string) bool
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Server is one; all methods may be called from many goroutines.
type Server struct {
	member func(string) bool
	now    func() time.Time
	secret []byte // of this process: what is allocated does not outlive it

	mu       sync.Mutex // guards the fields below
	feeds    map[net.PacketConn]*feed
	servers  []*turn.Server
	relays   map[address]*relay
	sending  map[string]*bucket // by host; there while it has an allocation
	requests bucket
	out      time.Time // when the last credential ends
	closed   bool
}

// New makes a server without a socket.
func New(cfg Config) *Server {
	s := &Server{member: cfg.Member, now: cfg.Now, secret: newSecret(), feeds: map[net.PacketConn]*feed{},
		relays: map[address]*relay{}, sending: map[string]*bucket{}, requests: bucket{rate: requestsASecond, most: requestsAtOnce}}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Open makes the server answer by a socket, of which the caller reads and gives to
// Take. Close leaves the socket open.
func (s *Server) Open(socket net.PacketConn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	f := &feed{PacketConn: socket, in: make(chan datagram, socketQueue), done: make(chan struct{})}
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: realm, AuthHandler: s.authenticate, QuotaHandler: func(host, _ string, _ net.Addr) bool { return s.room(host) },
		AllocationLifetime: lifetime, StrictAddressFamily: true,
		LoggerFactory:     &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: f, RelayAddressGenerator: generator{s}, PermissionHandler: s.permits}},
	})
	if err != nil {
		return err
	}
	s.feeds[socket], s.servers = f, append(s.servers, server)
	return nil
}

// Take is given a message that came by a socket of Open. It keeps the bytes. What is
// not for the server, or beyond its bounds, is dropped.
func (s *Server) Take(socket net.PacketConn, from net.Addr, message []byte) {
	m := &stun.Message{Raw: message}
	if m.Decode() != nil {
		return
	}
	f := s.lets(socket, m)
	if f == nil {
		return
	}
	if m.Type == stun.NewType(stun.MethodChannelBind, stun.ClassRequest) {
		refuse(socket, from, m)
		return
	}
	select {
	case f.in <- datagram{message, from}:
	default: // lost, as datagrams are
	}
}

// lets gives the feed of a message that the server may answer, or nil.
func (s *Server) lets(socket net.PacketConn, m *stun.Message) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	f := s.feeds[socket]
	if f == nil || len(s.relays) == 0 && now.After(s.out) {
		return nil
	}
	switch {
	case m.Type.Class == stun.ClassIndication && m.Type.Method == stun.MethodSend:
		return f
	case m.Type.Class != stun.ClassRequest || m.Contains(stun.AttrEvenPort) || m.Contains(stun.AttrReservationToken):
		return nil // it would take two addresses, for RTCP
	}
	switch m.Type.Method {
	case stun.MethodBinding, stun.MethodAllocate, stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind:
		if s.requests.take(now, 1) {
			return f
		}
	}
	return nil
}

// refuse says that there are no channels. The client goes on with indications.
func refuse(socket net.PacketConn, to net.Addr, m *stun.Message) {
	answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, stun.ClassErrorResponse),
		stun.ErrorCodeAttribute{Code: stun.CodeForbidden})
	if err == nil {
		_, _ = socket.WriteTo(answer.Raw, to) // lost like any datagram
	}
}

// Revoke ends what a host has.
func (s *Server) Revoke(host string) { s.end(func(r *relay) bool { return r.host == host }) }

// RevokeAll ends what every host has, and the credentials that are out.
func (s *Server) RevokeAll() {
	s.mu.Lock()
	s.out, s.secret = time.Time{}, newSecret()
	s.mu.Unlock()
	s.end(func(*relay) bool { return true })
}

func (s *Server) end(which func(*relay) bool) {
	s.mu.Lock()
	var ended []*relay
	for _, r := range s.relays {
		if which(r) {
			ended = append(ended, r)
		}
	}
	s.mu.Unlock()
	for _, r := range ended {
		r.cut()
	}
}

// Close ends the server and what all have.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	servers := s.servers
	s.mu.Unlock()
	s.RevokeAll()
	var errs []error
	for _, server := range servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

// datagram is one that came.
type datagram struct {
	bytes []byte
	from  net.Addr
}

// feed is a socket whose datagrams come from Take.
type feed struct {
	net.PacketConn
	in      chan datagram
	done    chan struct{}
	closing sync.Once
}

func (f *feed) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-f.in:
		return copy(b, d.bytes), d.from, nil
	case <-f.done:
		return 0, nil, net.ErrClosed
	}
}

func (f *feed) Close() error {
	f.closing.Do(func() { close(f.done) })
	return nil
}

// bucket bounds how much there is a second, and at once.
type bucket struct {
	rate, most float64
	used       float64
	at         time.Time
}

// take takes n out of it; false: there is not so much.
func (b *bucket) take(now time.Time, n float64) bool {
	b.used = max(0, b.used-b.rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.used+n > cmp.Or(b.most, b.rate) {
		return false
	}
	b.used += n
	return true
}
