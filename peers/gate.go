package peers

import (
	"slices"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	ma "github.com/multiformats/go-multiaddr"
)

// gate decides who may keep a connection once the key behind it is known.
type gate struct {
	paired  func(peer.ID) bool
	admin   func(peer.ID) bool // may do everything here
	routers func() []peer.ID
	meets   func(router peer.ID, dir network.Direction) bool // strangers may come through it
	network network.Network                                  // set before listening
	limits  network.ResourceManager

	// dials is of tests: false keeps an address from being dialed.
	dials atomic.Pointer[func(peer.ID, ma.Multiaddr) bool]
}

func (g *gate) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAccept refuses what comes over the private network, which it would carry itself.
func (g *gate) InterceptAccept(c network.ConnMultiaddrs) bool {
	return !inMesh(c.LocalMultiaddr()) && !inMesh(c.RemoteMultiaddr())
}

// InterceptAddrDial lets through what goes through a router only while that router
// is there: a dial through another one would wait for it.
func (g *gate) InterceptAddrDial(id peer.ID, addr ma.Multiaddr) bool {
	if inMesh(addr) {
		return false
	}
	if !isRelayed(addr) {
		dials := g.dials.Load()
		return dials == nil || (*dials)(id, addr)
	}
	router := routerIn(addr)
	return slices.Contains(g.routers(), router) || g.meets(router, network.DirOutbound)
}

// InterceptSecured bounds the inbound connections of one key, and of all
// unpaired keys together.
func (g *gate) InterceptSecured(dir network.Direction, id peer.ID, addrs network.ConnMultiaddrs) bool {
	if remote := addrs.RemoteMultiaddr(); isRelayed(remote) && !g.paired(id) && !g.meets(routerIn(remote), dir) {
		return false // a router brings no strangers, but to pair
	}
	if dir == network.DirOutbound {
		return true
	}
	if len(g.network.ConnsToPeer(id)) >= maxConnsOfOne {
		return false
	}
	return g.paired(id) || g.strangers() < maxStrangers
}

func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

func (g *gate) strangers() int {
	count := 0
	for _, conn := range g.network.Conns() {
		if !g.paired(conn.RemotePeer()) {
			count++
		}
	}
	return count
}

// lift gives a key the limits of what it is now: a stranger, a guest, or a computer that
// may do everything here anyhow.
func (g *gate) lift(id peer.ID) error {
	limit := strangerLimit
	switch {
	case g.admin(id):
		limit = pairedLimit
	case g.paired(id):
		limit = guestLimit
	}
	return g.limits.ViewPeer(id, func(scope network.PeerScope) error {
		scope.(rcmgr.ResourceScopeLimiter).SetLimit(limit)
		return nil
	})
}
