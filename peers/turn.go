package peers

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// turnProtocol asks a router for a credential of its TURN server (RFC 8656): the
// answerer writes one turnWord, empty when the opener is not one of its owner's or it
// is no router.
const turnProtocol = "/hither/turn/1"

type turnWord struct {
	Name     string `json:"name,omitempty"`
	Password string `json:"password,omitempty"`
}

// turnTime bounds the asking: a screen goes on over its stream meanwhile.
const turnTime = 2 * time.Second

// TURN is a router's server, for STUN too, and this computer's credential for it: it is
// for beginning within two minutes.
type TURN struct {
	Addr           netip.AddrPort
	Name, Password string
}

// TURN asks the routers of the same owner that answer by UDP for a credential, all at
// once. Those that do not give one within two seconds are left out.
func (n *Network) TURN(ctx context.Context) []TURN {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	var mu sync.Mutex // guards servers
	var servers []TURN
	var asks sync.WaitGroup
	for _, router := range n.routers() {
		at := n.seen.server(router)
		if !at.IsValid() {
			continue
		}
		asks.Go(func() {
			word, err := n.askTurn(ctx, router)
			if err != nil {
				n.cfg.Log.Debug("no TURN", "router", n.nameOf(router), "err", err)
			}
			if err != nil || word.Name == "" {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			servers = append(servers, TURN{at, word.Name, word.Password})
		})
	}
	asks.Wait()
	return servers
}

func (n *Network) askTurn(ctx context.Context, router peer.ID) (word turnWord, err error) {
	sessions := n.candidates(router)
	if len(sessions) == 0 {
		return word, errRefused
	}
	stream, err := openStream(ctx, sessions[0].conn, turnProtocol, n.cfg.tune.patience)
	if err != nil {
		return word, err
	}
	defer stream.Close()
	if end, ok := ctx.Deadline(); ok {
		stream.SetDeadline(end)
	}
	return word, readFrame(stream, &word)
}

// answerTurn gives a computer of the same owner its credential.
func (n *Network) answerTurn(stream network.Stream) {
	defer stream.Close()
	stream.SetDeadline(time.Now().Add(n.cfg.tune.patience))
	var word turnWord
	if id := stream.Conn().RemotePeer().String(); n.mayTurn(id) {
		word.Name, word.Password = n.turn.Credential(id)
	}
	if writeFrame(stream, word) != nil {
		stream.Reset()
	}
}

// mayTurn says whether a computer may use this one's TURN server.
func (n *Network) mayTurn(text string) bool {
	id, err := peer.Decode(text)
	if err != nil || !n.router.Load() {
		return false
	}
	r, ok := n.store.get(id)
	return ok && r.Own
}

// server gives the address at which a router answered this computer by UDP of IPv4,
// if it does: pion's agent gathers no relayed address over IPv6 yet.
func (o *observer) server(router peer.ID) netip.AddrPort {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen[seenKey{router, true}].by
}
