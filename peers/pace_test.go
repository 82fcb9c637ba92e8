package peers

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

// oneByOne gives a byte at a time without an end, as tiny frames come.
type oneByOne struct{ net.Conn }

func (oneByOne) Read(p []byte) (int, error) { return copy(p, "x"), nil }

// TestPace: strangers and guests are read as fast as they may be, who may do everything
// here as fast as it comes.
func TestPace(t *testing.T) {
	for name, want := range map[string]int{"stranger": strangerPace, "guest": guestPace, "own": 0} {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{paired: func(peer.ID) bool { return name != "stranger" }, admin: func(peer.ID) bool { return name == "own" }}
			c := &pacedConn{Conn: oneByOne{}, gate: g, left: paceBurst, asOf: time.Now()}
			began, b := time.Now(), make([]byte, 1)
			for range paceBurst + 10*want + paceBurst*10/(want+1) {
				if _, err := c.Read(b); err != nil {
					t.Fatal(err)
				}
			}
			took := time.Since(began)
			if want == 0 && took != 0 || want > 0 && (took < 9*time.Second || took > 40*time.Second) {
				t.Errorf("%s: %v", name, took)
			}
		})
	}
}

// streamsOf opens streams to another computer until it refuses one, and gives how many
// there were.
func streamsOf(t *testing.T, from, to *Network, most int) int {
	t.Helper()
	conns := from.host.Network().ConnsToPeer(to.host.ID())
	if len(conns) == 0 {
		t.Fatal("no connection")
	}
	var open []network.Stream
	defer func() {
		for _, s := range open {
			s.Reset()
		}
	}()
	for len(open) < most {
		s, err := openStream(testContext(t), conns[0], "/hither/test-hold/1", patient)
		if err != nil {
			break
		}
		open = append(open, s)
	}
	return len(open)
}

// TestStreamsOfAGuest: a guest has as many as its limit says and stays connected, and more
// once it may do everything.
func TestStreamsOfAGuest(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "guest"))
	l := a.Listen("/hither/test-hold/1")
	defer l.Close()
	pairAsGuest(t, a, b)
	until(t, "online", online(b, a.ID()))
	if n := streamsOf(t, b, a, guestStreams+64); n > guestStreams || n < guestStreams/2 {
		t.Errorf("a guest has %d streams", n)
	}
	until(t, "it is still there", online(a, b.ID()))
	if err := a.SetGrants(testContext(t), b.ID(), fusion.Whole(fusion.AdminCap)); err != nil {
		t.Fatal(err)
	}
	until(t, "more streams", func() bool { return streamsOf(t, b, a, guestStreams+64) == guestStreams+64 })
	if err := a.SetGrants(testContext(t), b.ID(), fusion.Whole(fusion.ViewCap)); err != nil {
		t.Fatal(err)
	}
	until(t, "few again", func() bool { return streamsOf(t, b, a, guestStreams+64) <= guestStreams })
}
