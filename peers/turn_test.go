package peers

import (
	"net"
	"testing"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

// through allocates at a router with what it gave.
func through(t *testing.T, s TURN) error {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	c, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: s.Addr.String(), Conn: socket, Username: s.Name, Password: s.Password,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	relay, err := c.Allocate()
	if err != nil {
		return err
	}
	return relay.Close()
}

// TestTURNIsForTheOwnersHosts: on the port of QUIC, with a credential that a router
// gives its owner's computers and no other.
func TestTURNIsForTheOwnersHosts(t *testing.T) {
	r, a, guest := openTest(t, testConfig(t, "router")), openTest(t, testConfig(t, "laptop")), openTest(t, testConfig(t, "guest"))
	pair(t, r, a)
	pairAsGuest(t, r, guest)
	until(t, "the laptop is the owner's", own(r, a))
	if list := a.TURN(testContext(t)); len(list) > 0 {
		t.Errorf("%v before it is a router", list)
	}
	r.SetRouter(true)
	for _, n := range []*Network{a, guest} {
		until(t, "the router has answered", func() bool { return n.seen.server(peerOf(t, r)).IsValid() })
	}
	list := a.TURN(testContext(t))
	if len(list) != 1 || list[0].Addr.String() != quicAddrs(addrTexts(r.listenAddrs()), true)[0].String() {
		t.Fatalf("servers: %v", list)
	}
	if err := through(t, list[0]); err != nil {
		t.Error(err)
	}
	if list := guest.TURN(testContext(t)); len(list) > 0 {
		t.Errorf("a guest got %v", list)
	}
	stranger := openTest(t, testConfig(t, "stranger"))
	if c, err := stranger.DialAddr(testContext(t), r.Addrs()[0], turnProtocol); err == nil {
		c.Close()
		t.Error("a stranger may ask")
	}
	guess := list[0]
	guess.Password = "guess"
	if through(t, guess) == nil {
		t.Error("a guess was enough")
	}
	if err := r.Forget(testContext(t), a.ID()); err != nil {
		t.Fatal(err)
	}
	if through(t, list[0]) == nil {
		t.Error("a revoked computer's credential was enough")
	}
}
