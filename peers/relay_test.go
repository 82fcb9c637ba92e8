package peers

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/pion/stun/v3"
)

// TestSeenOutside: a router tells its paired computers how it sees them, and others
// nothing.
func TestSeenOutside(t *testing.T) {
	a, b := openTest(t, testConfig(t, "router")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	a.SetRouter(true)
	until(t, "the router has answered", func() bool { return len(b.seen.all()) == 1 })
	if one := b.seen.all()[0]; one.addr.Port() != one.local || b.nat() != natNone {
		t.Errorf("seen as %+v, %q", one, b.nat())
	}
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	to := quicAddrs(addrTexts(a.listenAddrs()), true)[0]
	asked := func(setters ...stun.Setter) bool {
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, setters...)...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := socket.WriteTo(m.Raw, to); err != nil {
			t.Fatal(err)
		}
		socket.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		_, _, err = socket.ReadFrom(make([]byte, stunBuffer))
		return err == nil
	}
	name := stun.NewUsername(b.host.ID().String())
	if !asked(name, stun.NewShortTermIntegrity(a.seen.password(b.host.ID()))) {
		t.Error("the right password got no answer")
	}
	if asked() || asked(name) || asked(name, stun.NewShortTermIntegrity("guess")) {
		t.Error("an answer without the password")
	}
	if err := a.Forget(testContext(t), b.ID()); err != nil {
		t.Fatal(err)
	}
	if asked(name, stun.NewShortTermIntegrity(a.seen.password(b.host.ID()))) {
		t.Error("a forgotten computer got an answer")
	}
}

// apart gives two paired computers that have lost each other's addresses, and a
// router that both know.
func apart(t *testing.T) (a, b, r *Network) {
	t.Helper()
	cfgA, cfgB := testConfig(t, "laptop"), testConfig(t, "nas")
	a, b, r = openTest(t, cfgA), openTest(t, cfgB), openTest(t, testConfig(t, "router"))
	pair(t, a, b)
	pair(t, r, a)
	pair(t, r, b)
	a.Close()
	b.Close()
	for _, cfg := range []*Config{&cfgA, &cfgB} {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listen = free.Addr().String()
		free.Close()
	}
	a, b = openTest(t, cfgA), openTest(t, cfgB)
	until(t, "both see the router", func() bool { return online(a, r.ID())() && online(b, r.ID())() })
	for _, n := range []*Network{a, b} {
		n.dialOnly(func(id peer.ID, _ ma.Multiaddr) bool { return slices.Contains(n.routers(), id) })
	}
	return a, b, r
}

// TestThroughARouter: two computers that know no address of each other talk through
// the router, until it is none any more.
func TestThroughARouter(t *testing.T) {
	a, b, r := apart(t)
	echo(t, b)
	r.SetRouter(true)
	until(t, "online", func() bool { return online(a, b.ID())() && online(b, a.ID())() })
	p, err := a.Lookup("nas")
	if err != nil || p.Path != "relay" || p.Via != "router" || p.Transport != "tcp" || p.WhyNot == "" {
		t.Errorf("%+v, %v", p, err)
	}
	if err := said(t, a, b.ID(), "through"); err != nil {
		t.Error(err)
	}
	if r, _ := a.store.get(b.host.ID()); len(r.Addrs) == 0 || len(multiaddrs(r.Addrs)) != len(r.Addrs) {
		t.Errorf("addresses: %q", r.Addrs)
	} else {
		for _, addr := range multiaddrs(r.Addrs) {
			if isRelayed(addr) {
				t.Errorf("a router's address is kept as the computer's own: %s", addr)
			}
		}
	}
	r.SetRouter(false)
	until(t, "offline", func() bool {
		p, _ := a.Lookup("nas")
		if p.Path == "direct" {
			t.Fatalf("%+v", p)
		}
		return offline(a, b.ID())() && offline(b, a.ID())()
	})
}

// TestRelayIsForThePaired: neither a stranger nor a computer that is paired with the
// router alone gets anywhere through it.
func TestRelayIsForThePaired(t *testing.T) {
	a, b, r := apart(t)
	r.SetRouter(true)
	until(t, "online", online(a, b.ID()))

	stranger := openTest(t, testConfig(t, "stranger"))
	for _, protocol := range []string{proto.ProtoIDv2Stop, identify.ID, newsProtocol} {
		if c, err := stranger.DialAddr(testContext(t), r.Addrs()[0], protocol); err == nil {
			c.Close()
			t.Errorf("a stranger may speak %s", protocol)
		}
	}
	friend := openTest(t, testConfig(t, "friend")) // of the router
	pairAsGuest(t, r, friend)                      // else it would be a friend of all of the owner's
	until(t, "the router is known", func() bool { return len(friend.routers()) == 1 })
	to := a.host.ID()
	friend.host.Peerstore().AddAddrs(to, friend.relayed(to), peerstore.TempAddrTTL)
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(testContext(t), "test"), 5*time.Second)
	defer cancel()
	conn, err := friend.host.Network().DialPeer(ctx, to)
	if err == nil { // the end that dials learns of the refusal after its handshake
		until(t, "the connection is closed", conn.IsClosed)
	}
	if conns := a.host.Network().ConnsToPeer(friend.host.ID()); len(conns) > 0 {
		t.Errorf("a stranger came through the router: %v", conns)
	}
}

// TestLastingStreamClimbs: a stream that began through a router goes on when that
// ends, and over a direct connection once there is one, which ends the relayed one.
func TestLastingStreamClimbs(t *testing.T) {
	a, b, r := apart(t)
	r.SetRouter(true)
	until(t, "online", func() bool { return online(a, b.ID())() && online(b, a.ID())() })
	near, far := lastingPair(t, b, a)
	said := 0
	say := func() { // both ways at once
		t.Helper()
		for _, ends := range [][2]*LastingConn{{near, far}, {far, near}} {
			said++
			line, got := bytes.Repeat([]byte{byte(said)}, 100_000), make([]byte, 100_000)
			sent := make(chan error, 1)
			go func() {
				_, err := ends[0].Write(line)
				sent <- err
			}()
			if _, err := io.ReadFull(ends[1], got); err != nil || !bytes.Equal(got, line) {
				t.Fatal("line", said, err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
	}
	path := func() ma.Multiaddr {
		text, _, _ := near.Path()
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil
		}
		return addr
	}
	say()
	if addr := path(); addr == nil || !isRelayed(addr) {
		t.Errorf("begun over %s", addr)
	}
	r.SetRouter(false)
	until(t, "no path", func() bool { return path() == nil })
	r.SetRouter(true)
	say()
	if addr := path(); addr == nil || !isRelayed(addr) {
		t.Errorf("gone on over %s", addr)
	}

	for _, n := range []*Network{a, b} {
		n.dialOnly(nil)
	}
	to := b.host.ID()
	a.host.Peerstore().AddAddrs(to, b.listenAddrs(), peerstore.TempAddrTTL)
	ctx := network.WithForceDirectDial(testContext(t), "test")
	if _, err := a.host.Network().DialPeer(ctx, to); err != nil {
		t.Fatal(err)
	}
	until(t, "direct", func() bool { addr := path(); return addr != nil && !isRelayed(addr) })
	say()
	until(t, "the relayed connection has ended", func() bool {
		return !slices.ContainsFunc(a.host.Network().ConnsToPeer(to), viaRelay)
	})
	say()
}
