package turn

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; it is long for loaded machines.
const patience = time.Minute

// stage is a server on a socket of the loopback.
type stage struct {
	*Server
	t      *testing.T
	socket net.PacketConn
	late   atomic.Int64 // what the server's clock is ahead

	mu      sync.Mutex // guards revoked
	revoked map[string]bool
}

func newStage(t *testing.T) *stage {
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &stage{t: t, socket: socket, revoked: map[string]bool{}}
	g.Server = New(Config{Member: g.isMember, Now: func() time.Time { return time.Now().Add(time.Duration(g.late.Load())) }})
	if err := g.Open(socket); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			b := make([]byte, 1600)
			n, from, err := socket.ReadFrom(b)
			if err != nil {
				return
			}
			g.Take(socket, from, b[:n])
		}
	}()
	t.Cleanup(func() {
		if err := errors.Join(g.Server.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
		<-done
	})
	return g
}

func (g *stage) isMember(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.revoked[host]
}

func (g *stage) revoke(host string) {
	g.mu.Lock()
	g.revoked[host] = true
	g.mu.Unlock()
	g.Revoke(host)
}

// client makes a client with a credential.
func (g *stage) client(name, password string) *turn.Client {
	g.t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	c, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: g.socket.LocalAddr().String(), Conn: conn, Username: name, Password: password,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}})
	if err == nil {
		err = c.Listen()
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		c.Close()
		_ = conn.Close() // the client may have
	})
	return c
}

// allocate gives a relay of a host.
func (g *stage) allocate(host string) (*turn.Client, net.PacketConn, error) {
	g.t.Helper()
	c := g.client(g.Credential(host))
	conn, err := c.Allocate()
	if err == nil {
		g.t.Cleanup(func() { _ = conn.Close() }) // the test may have
	}
	return c, conn, err
}

func (g *stage) relay(host string) (*turn.Client, net.PacketConn) {
	g.t.Helper()
	c, conn, err := g.allocate(host)
	if err != nil {
		g.t.Fatal(err)
	}
	return c, conn
}

// hear waits for a text.
func hear(t *testing.T, conn net.PacketConn, want string) {
	t.Helper()
	b := make([]byte, 1600)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	n, _, err := conn.ReadFrom(b)
	if err != nil || string(b[:n]) != want {
		t.Fatalf("%q, %v instead of %q", b[:n], err, want)
	}
}

func tell(t *testing.T, from, to net.PacketConn, text string) {
	t.Helper()
	if _, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

// TestRelays: two computers send to each other through the server, each after it has
// let the other in.
func TestRelays(t *testing.T) {
	g := newStage(t)
	ca, a := g.relay("laptop")
	cb, b := g.relay("nas")
	if !unrouted.Contains(a.LocalAddr().(*net.UDPAddr).AddrPort().Addr()) {
		t.Error(a.LocalAddr(), "could be somebody's")
	}
	for c, other := range map[*turn.Client]net.PacketConn{ca: b, cb: a} {
		if err := c.CreatePermission(other.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", 1200)
	for range 20 { // more than until a channel would be bound
		tell(t, a, b, "to nas")
		hear(t, b, "to nas")
		tell(t, b, a, long)
		hear(t, a, long)
	}
	_, c := g.relay("office")
	tell(t, c, a, "not let in")
	tell(t, b, a, "let in")
	hear(t, a, "let in")
}

// TestNothingElseIsReached: not the server's host, nor its network or another one.
func TestNothingElseIsReached(t *testing.T) {
	g := newStage(t)
	c, relay := g.relay("laptop")
	service, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	for _, ip := range []string{"127.0.0.1", "127.0.0.53", "0.0.0.0", "169.254.169.254", "192.168.1.1", "10.0.0.1", "203.0.113.7", "224.0.0.251", "240.0.0.1", "255.255.255.255"} {
		to := &net.UDPAddr{IP: net.ParseIP(ip), Port: service.LocalAddr().(*net.UDPAddr).Port}
		if c.CreatePermission(to) == nil {
			t.Errorf("%s may be sent to", ip)
		}
		if _, err := relay.WriteTo([]byte("hello"), to); err == nil {
			t.Errorf("sent to %s", ip)
		}
	}
	// What a relay is given by whatever way stays inside.
	_, own := g.relay("laptop")
	for _, r := range g.all() {
		if _, err := r.WriteTo([]byte("hello"), service.LocalAddr()); err != nil {
			t.Error(err)
		}
	}
	if err := c.CreatePermission(own.LocalAddr()); err != nil {
		t.Error(err)
	}
	if err := service.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := service.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes came out", n)
	}
}

// all gives the relays there are.
func (s *Server) all() (list []*relay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.relays {
		list = append(list, r)
	}
	return list
}

// TestCredentials: a stranger's guess, one that has ended and a revoked host's.
func TestCredentials(t *testing.T) {
	g := newStage(t)
	name, password := g.Credential("laptop")
	forged := strings.Replace(name, "laptop", "nas", 1)
	for what, pair := range map[string][2]string{"no password": {name, "guess"}, "another's name": {forged, password},
		"no name": {"laptop", password}, "a longer time": {"9" + name, password}} {
		if _, err := g.client(pair[0], pair[1]).Allocate(); err == nil {
			t.Error(what, "was enough")
		}
	}
	conn, err := g.client(name, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	g.late.Store(int64(validFor + 2*time.Second))
	g.Credential("nas") // so that the server answers
	if _, err := g.client(name, password).Allocate(); err == nil {
		t.Error("a credential that has ended was enough")
	}
	if len(g.all()) != 1 {
		t.Errorf("%d relays", len(g.all()))
	}
	late, password := g.Credential("laptop")
	g.revoke("laptop")
	if _, err := g.client(late, password).Allocate(); err == nil {
		t.Error("a revoked host's credential was enough")
	}
}

// TestRevokeEndsWhatThereIs at once, though indications carry no credential.
func TestRevokeEndsWhatThereIs(t *testing.T) {
	g := newStage(t)
	ca, a := g.relay("laptop")
	cb, b := g.relay("nas")
	if err := errors.Join(ca.CreatePermission(b.LocalAddr()), cb.CreatePermission(a.LocalAddr())); err != nil {
		t.Fatal(err)
	}
	tell(t, a, b, "before")
	hear(t, b, "before")
	g.revoke("laptop")
	if list := g.all(); len(list) != 1 || list[0].host != "nas" {
		t.Errorf("%d relays are left", len(list))
	}
	_, c := g.relay("office")
	if err := cb.CreatePermission(c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	_, _ = a.WriteTo([]byte("after"), b.LocalAddr()) // refused or lost
	for _, r := range g.all() {                      // straight from the other's relay, as permissions were shown above
		if r.host == "office" {
			if _, err := r.WriteTo([]byte("other"), b.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
	}
	hear(t, b, "other")
	g.RevokeAll()
	if len(g.all()) != 0 {
		t.Error("relays are left")
	}
}

// TestAllocationsAreBounded for each host, and given back.
func TestAllocationsAreBounded(t *testing.T) {
	g := newStage(t)
	var conns []net.PacketConn
	for range maxOfHost {
		_, conn := g.relay("laptop")
		conns = append(conns, conn)
	}
	if _, _, err := g.allocate("laptop"); err == nil {
		t.Error("one more than a host may have")
	}
	_, _ = g.relay("nas")
	if err := conns[0].Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the place is free", func() bool { return g.room("laptop") })
	_, _ = g.relay("laptop")
}

func waitFor(t *testing.T, what string, met func() bool) {
	t.Helper()
	for began := time.Now(); !met(); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// TestSilence: while no credential is out a router answers nobody, and never what is
// no request of TURN's.
func TestSilence(t *testing.T) {
	g := newStage(t)
	asks := func(what string, kind stun.MessageType, answered bool, more ...stun.Setter) {
		t.Helper()
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID, kind}, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		to := &talk{}
		g.feeds[to] = &feed{in: make(chan datagram, 1)}
		g.Take(to, to.LocalAddr(), m.Raw)
		if got := len(g.feeds[to].in) > 0 || to.answers > 0; got != answered {
			t.Errorf("%s: answered %v", what, got)
		}
		delete(g.feeds, to)
	}
	allocate := stun.NewType(stun.MethodAllocate, stun.ClassRequest)
	asks("nothing is out", allocate, false)
	asks("nothing is out", stun.BindingRequest, false)
	g.Credential("laptop")
	asks("a credential is out", allocate, true)
	asks("where am I", stun.BindingRequest, true)
	asks("a channel", stun.NewType(stun.MethodChannelBind, stun.ClassRequest), true)
	asks("two ports", allocate, false, stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0x80}})
	asks("TCP", stun.NewType(stun.MethodConnect, stun.ClassRequest), false)
	asks("an answer", stun.BindingSuccess, false)
	for g.requests.take(g.now(), 1) {
	}
	g.requests.at = g.now().Add(time.Hour) // nothing is paid off while the test runs
	asks("too many", allocate, false)
	g.late.Store(int64(validFor + time.Minute))
	asks("it is over", allocate, false)
}

// talk is a socket that counts answers.
type talk struct {
	net.PacketConn
	answers int
}

func (c *talk) WriteTo(b []byte, _ net.Addr) (int, error) { c.answers++; return len(b), nil }
func (c *talk) LocalAddr() net.Addr                       { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// TestRate: a host sends no more than its share, the rest is dropped.
func TestRate(t *testing.T) {
	b := bucket{rate: 100, most: 200}
	now := time.Unix(1000, 0)
	took := 0
	for b.take(now, 10) {
		took += 10
	}
	if took != 200 || b.take(now.Add(50*time.Millisecond), 10) || !b.take(now.Add(150*time.Millisecond), 10) {
		t.Error(took)
	}
	g := newStage(t)
	_, _ = g.relay("laptop")
	_, _ = g.relay("nas")
	list := g.all()
	packet := bytes.Repeat([]byte{1}, 1<<10)
	for range 2 * bytesAtOnce >> 10 {
		if _, err := list[0].WriteTo(packet, list[1].LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	g.Server.mu.Lock()
	defer g.Server.mu.Unlock()
	if used := g.sending[list[0].host].used; used > bytesAtOnce {
		t.Errorf("%v bytes at once", used)
	}
}
