package peers

import (
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// How fast a connection is read, in reads a second; yamux makes two of each frame. A frame
// that nobody reads costs many times its bytes when it is tiny, and each costs time that
// honest computers wait for. Of a stranger each paceBytes more count as one more read; a
// guest's bytes are not counted. A computer with admin is not bounded.
const (
	strangerPace = 400
	guestPace    = 8000
	paceBurst    = 4096
	paceBytes    = 8 << 10
	paceRest     = 5 * time.Millisecond
)

// paced is a multiplexer whose connections are read no faster than their keys may have.
type paced struct {
	network.Multiplexer
	gate *gate
}

func (m paced) NewConn(conn net.Conn, isServer bool, scope network.PeerScope) (network.MuxedConn, error) {
	return m.Multiplexer.NewConn(&pacedConn{Conn: conn, gate: m.gate, id: scope.Peer(), left: paceBurst, asOf: time.Now()}, isServer, scope)
}

// pacedConn has one reader, the multiplexer's.
type pacedConn struct {
	net.Conn
	gate *gate
	id   peer.ID
	left float64 // reads that may come at once
	asOf time.Time
	// guest says that the key was a guest's when there was nothing left.
	guest bool
}

func (c *pacedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch {
	case !c.guest:
		c.left -= 1 + float64(n)/paceBytes
	case n < paceBytes/8:
		c.left--
	}
	if c.left < 0 {
		c.wait()
	}
	return n, err
}

// wait rests until there is something left; who may do everything never waits.
func (c *pacedConn) wait() {
	for c.left < 0 {
		if c.gate.admin(c.id) {
			c.left, c.asOf = paceBurst, time.Now()
			return
		}
		pace := float64(strangerPace)
		if c.guest = c.gate.paired(c.id); c.guest {
			pace = guestPace
		}
		now := time.Now()
		c.left = min(paceBurst, c.left+pace*now.Sub(c.asOf).Seconds())
		if c.asOf = now; c.left < 0 {
			time.Sleep(paceRest)
		}
	}
}
