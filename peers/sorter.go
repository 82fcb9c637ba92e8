package peers

import (
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	manet "github.com/multiformats/go-multiaddr/net"

	"hither/internal/rawconn"
)

// sorter gives libp2p the connections that are its own, and the others, which begin with
// TLS, to own: both come to one port, which firewalls and routers let through. libp2p's begin
// with the length of a line (multistream-select), TLS with the type of a handshake record.
type sorter struct {
	transport.GatedMaListener
	own func(manet.Conn, network.ConnManagementScope)

	came chan arrival
	done chan struct{} // closed by Close
	once sync.Once
	wg   sync.WaitGroup

	mu      sync.Mutex
	unknown map[net.Conn]bool // nil after Close
}

// arrival is what Accept gives.
type arrival struct {
	conn  manet.Conn
	scope network.ConnManagementScope
	err   error
}

// tlsHandshake is the first byte of TLS (RFC 8446, 5.1).
const tlsHandshake = 22

// newSorter sorts what comes to a listener. The connections that nobody knows yet are bounded
// by the listener's gate.
func newSorter(l transport.GatedMaListener, own func(manet.Conn, network.ConnManagementScope)) *sorter {
	s := &sorter{GatedMaListener: l, own: own, came: make(chan arrival), done: make(chan struct{}), unknown: map[net.Conn]bool{}}
	s.wg.Go(s.run)
	return s
}

func (s *sorter) run() {
	for {
		conn, scope, err := s.GatedMaListener.Accept()
		if err != nil {
			s.hand(arrival{err: err})
			return
		}
		s.wg.Go(func() { s.sort(conn, scope) })
	}
}

// sort reads the first byte of a connection.
func (s *sorter) sort(conn manet.Conn, scope network.ConnManagementScope) {
	s.mu.Lock()
	open := s.unknown != nil
	if open {
		s.unknown[conn] = true
	}
	s.mu.Unlock()
	begun := &begun{Conn: conn, quick: quick(conn)}
	err := conn.SetReadDeadline(time.Now().Add(negotiateTime))
	if err == nil && open {
		_, err = conn.Read(begun.first[:])
	}
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	s.mu.Lock()
	delete(s.unknown, conn)
	open = open && s.unknown != nil
	s.mu.Unlock()
	switch {
	case err != nil || !open:
		conn.Close()
		scope.Done()
	case begun.first[0] == tlsHandshake:
		s.own(begun, scope)
	default:
		s.hand(arrival{conn: begun, scope: scope})
	}
}

func (s *sorter) hand(a arrival) {
	select {
	case s.came <- a:
	case <-s.done:
		if a.conn != nil {
			a.conn.Close()
			a.scope.Done()
		}
	}
}

func (s *sorter) Accept() (manet.Conn, network.ConnManagementScope, error) {
	select {
	case a := <-s.came:
		return a.conn, a.scope, a.err
	case <-s.done:
		return nil, nil, net.ErrClosed
	}
}

// Close ends the listener, and the connections that nobody knows yet.
func (s *sorter) Close() error {
	err := s.GatedMaListener.Close()
	s.once.Do(func() {
		close(s.done)
		s.mu.Lock()
		for conn := range s.unknown {
			conn.Close()
		}
		s.unknown = nil
		s.mu.Unlock()
	})
	s.wg.Wait()
	return err
}

// begun is a connection whose first byte was read.
type begun struct {
	manet.Conn
	quick net.Conn // the same
	first [1]byte
	gave  bool // of its reader alone
}

func (b *begun) Read(p []byte) (int, error) {
	if b.gave || len(p) == 0 {
		return b.quick.Read(p)
	}
	b.gave = true
	return copy(p, b.first[:]), nil
}

// quick gives a connection of TCP with short calls, see internal/rawconn.
func quick(conn manet.Conn) net.Conn {
	if socket, ok := conn.(rawconn.Socket); ok {
		return rawconn.Embedded(socket)
	}
	return conn
}

func (b *begun) Write(p []byte) (int, error) { return b.quick.Write(p) }
