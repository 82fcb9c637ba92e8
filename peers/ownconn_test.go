package peers

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// slowConfig is a config of a computer that is too busy to make connections within seconds.
func slowConfig(t testing.TB, name string) Config {
	cfg := testConfig(t, name)
	cfg.tune.own = time.Minute
	return cfg
}

// passes sends size bytes from near to far, which must get them.
func passes(t testing.TB, near, far net.Conn, size int64) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := io.CopyN(near, zeros{}, size)
		sent <- err
	}()
	if _, err := io.CopyN(io.Discard, far, size); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// alone waits until a stream has a connection of its own, or has none.
func alone(t *testing.T, c *LastingConn, want bool) {
	t.Helper()
	for {
		now, _, changed := c.Carrier()
		if now != nil && now.(*carrier).alone == want {
			return
		}
		select {
		case <-changed:
		case <-testContext(t).Done():
			t.Fatalf("a connection of its own: %v", !want)
		}
	}
}

// TestABusyStreamHasItsOwnConnection, and goes on without it when the path broke, and by one
// again on the next.
func TestABusyStreamHasItsOwnConnection(t *testing.T) {
	a, b := openTest(t, slowConfig(t, "nas")), openTest(t, slowConfig(t, "laptop"))
	p := throughProxy(t, a, b)
	near, far := lastingPair(t, a, b)
	passes(t, near, far, 100)
	if now, _, _ := near.Carrier(); now.(*carrier).alone {
		t.Error("a stream that carried little has a connection of its own")
	}
	for range 2 {
		passes(t, near, far, 4<<20)
		alone(t, near, true)
		alone(t, far, true)
		passes(t, far, near, 4<<20)
		if addr, _, _ := near.Path(); addr == "" {
			t.Error("it has no path")
		}
		p.cut()
		passes(t, near, far, 100)
	}
	near.Close()
	far.Close()
	for _, n := range []*Network{a, b} {
		until(t, "nothing is left of it", func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			left := len(n.owned)
			for _, s := range n.sessions {
				left += len(s.owned)
			}
			return left == 0
		})
	}
}

// TestOwnConnectionsAreBounded: streams beyond the bound work where they are.
func TestOwnConnectionsAreBounded(t *testing.T) {
	a, b := openTest(t, slowConfig(t, "nas")), openTest(t, slowConfig(t, "laptop"))
	throughProxy(t, a, b)
	var pairs [][2]*LastingConn
	for range maxOwn + 2 {
		near, far := lastingPair(t, a, b)
		passes(t, near, far, 4<<20)
		pairs = append(pairs, [2]*LastingConn{near, far})
	}
	own := func() (count int) {
		for _, pair := range pairs {
			if now, _, _ := pair[0].Carrier(); now != nil && now.(*carrier).alone {
				count++
			}
		}
		return count
	}
	until(t, "some have their own", func() bool { return own() > 0 })
	for _, pair := range pairs {
		passes(t, pair[0], pair[1], 1<<20)
		passes(t, pair[1], pair[0], 1<<20)
	}
	if count := own(); count > maxOwn {
		t.Errorf("%d have their own", count)
	}
}

// TestOwnConnectionsOfOthers: who is not paired, or speaks another protocol, or says nothing,
// has none, and the paired ones do not notice.
func TestOwnConnectionsOfOthers(t *testing.T) {
	a, b := openTest(t, slowConfig(t, "nas")), openTest(t, slowConfig(t, "laptop"))
	pair(t, a, b)
	addr := tcpAddr(t, a)
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := libp2ptls.NewIdentity(key)
	if err != nil {
		t.Fatal(err)
	}
	try := func(identity *libp2ptls.Identity, alpn string) error {
		t.Helper()
		conn, err := manet.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		config, _ := identity.ConfigForPeer("")
		config.NextProtos = []string{alpn}
		secure := tls.Client(conn, config)
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := secure.Handshake(); err != nil {
			return err
		}
		_, err = secure.Read(make([]byte, 1)) // the server knows the key by then
		return err
	}
	for what, err := range map[string]error{"a stranger": try(stranger, ownALPN), "another protocol": try(b.identity, "h2"), "libp2p's": try(b.identity, "libp2p")} {
		var late net.Error
		if err == nil || errors.As(err, &late) && late.Timeout() {
			t.Errorf("%s: %v", what, err)
		}
	}
	var silent []net.Conn
	for range 2 * maxHalfOpen {
		conn, err := manet.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
	}
	near, far := lastingPair(t, a, b)
	passes(t, near, far, 4<<20)
	for _, conn := range silent {
		conn.Close()
	}
}

// tcpAddr is where a computer listens by TCP.
func tcpAddr(t *testing.T, n *Network) ma.Multiaddr {
	t.Helper()
	for _, addr := range n.listenAddrs() {
		if _, err := addr.ValueForProtocol(ma.P_TCP); err == nil {
			return addr
		}
	}
	t.Fatal("it does not listen")
	return nil
}
