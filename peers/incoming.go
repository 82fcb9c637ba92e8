package peers

import (
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// negotiateTime bounds how long an opener may take to name its protocol.
const negotiateTime = 10 * time.Second

// incoming gives a stream to its protocol. An unpaired key is offered pairing, the
// pulse and what listens with AllowUnpaired: it hears of no other protocol, of no
// address (identify), and of the relay only what answerHop gives. Who came through a
// router is offered pairing and the pulse alone.
func (n *Network) incoming(s network.Stream) {
	var mux protocol.Switch = n.host.Mux()
	if !n.paired(s.Conn().RemotePeer()) {
		mux = n.strangers
	}
	s.SetDeadline(time.Now().Add(negotiateTime))
	id, handle, err := mux.Negotiate(s)
	if err == nil {
		err = s.SetProtocol(id)
	}
	if err != nil || mux == n.strangers && viaRelay(s.Conn()) && id != pairProtocol && id != pulseProtocol {
		s.Reset()
		return
	}
	s.SetDeadline(time.Time{})
	if err := handle(id, s); err != nil {
		s.Reset()
	}
}

// forAll sets the handler of a protocol that unpaired keys may use too.
func (n *Network) forAll(id protocol.ID, handle network.StreamHandler) {
	n.host.SetStreamHandler(id, handle)
	n.forStrangers(id, handle)
}

// forStrangers sets the handler of a protocol for unpaired keys.
func (n *Network) forStrangers(id protocol.ID, handle network.StreamHandler) {
	n.strangers.AddHandler(id, func(_ protocol.ID, s io.ReadWriteCloser) error {
		handle(s.(network.Stream))
		return nil
	})
}
