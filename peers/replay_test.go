package peers

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

// recorded runs a pairing of two computers through a third, which passes on what they say
// and gives the joiner's messages.
func recorded(t *testing.T, m, joiner *Network, o *Offer) [][]byte {
	t.Helper()
	relay := m.Listen(pairProtocol, AllowUnpaired) // takes over from the node's own handler
	var said [][]byte
	var work sync.WaitGroup
	work.Go(func() {
		from, err := relay.Accept()
		if err != nil {
			return
		}
		defer from.Close()
		to, err := m.DialAddr(testContext(t), o.Addr, pairProtocol)
		if err != nil {
			return
		}
		defer to.Close()
		for step := 0; ; step++ {
			ends := [][]net.Conn{{from, to}, {to, from}}[step%2]
			body, err := readBytes(ends[0])
			if err != nil {
				return
			}
			if step%2 == 0 {
				said = append(said, body)
			}
			if writeBytes(ends[1], body) != nil {
				return
			}
		}
	})
	if _, err := joiner.Join(testContext(t), o.Code, m.Addrs()[0], nil); err == nil {
		t.Fatal("paired through another key")
	}
	relay.Close()
	work.Wait()
	return said
}

// TestReplayedPairing: who heard all that a joiner with the right words said, as the one in
// the middle does, has nothing of it: not for that code, not for the next.
func TestReplayedPairing(t *testing.T) {
	a, b, m := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop")), openTest(t, testConfig(t, "mitm"))
	for range 3 {
		o, err := a.Offer(testContext(t), fusion.Whole(fusion.ViewCap))
		if err != nil {
			t.Fatal(err)
		}
		said := recorded(t, m, b, o)
		if len(said) < 2 {
			t.Fatalf("%d messages were heard", len(said))
		}
		for range 4 { // the code is burnt before the last
			c, err := m.DialAddr(testContext(t), o.Addr, pairProtocol)
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(patient))
			for _, body := range said {
				if writeBytes(c, body) != nil {
					break
				}
			}
			c.(interface{ CloseWrite() error }).CloseWrite()
			io.Copy(io.Discard, c)
			c.Close()
		}
	}
	strangers(t, a, m)
}
