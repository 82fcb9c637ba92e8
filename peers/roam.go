package peers

import (
	"net"
	"net/netip"
	"slices"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"

	"hither/fusion"
)

// lookEvery is how often the own addresses are looked at: a system call of 50 µs,
// which every system has.
const lookEvery = 500 * time.Millisecond

// probeFor is how long a session may take to answer after an address has changed.
const probeFor = time.Second

// ownNets gives the addresses of this computer with the lengths of their networks.
func ownNets() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var nets []netip.Prefix
	for _, addr := range addrs {
		if one, err := netip.ParsePrefix(addr.String()); err == nil && !fusion.MeshPrefix.Contains(one.Addr()) {
			nets = append(nets, one)
		}
	}
	slices.SortFunc(nets, netip.Prefix.Compare)
	return nets, nil
}

// roam watches the own addresses until the network ends.
func (n *Network) roam() {
	old, err := ownNets()
	if err != nil {
		n.cfg.Log.Warn("own addresses", "err", err)
	}
	for {
		n.sleep(n.ctx, lookEvery)
		if n.ctx.Err() != nil {
			return
		}
		now, err := ownNets()
		if err != nil || slices.Equal(now, old) {
			continue
		}
		old = now
		n.roamed(now)
	}
}

// roamed deals with a change of the own addresses: connections from one that is
// gone end, the others are asked for a sign of life at once, who is away is dialed,
// routers are asked anew, and everybody who is still there is told.
func (n *Network) roamed(nets []netip.Prefix) {
	n.cfg.Log.Info("the addresses of this computer have changed", "addrs", nets)
	n.seen.clear()
	var gone, left []*session
	n.mu.Lock()
	for _, s := range n.sessions {
		ip, err := manet.ToIP(s.conn.LocalMultiaddr())
		at, ok := netip.AddrFromSlice(ip)
		if err != nil || !ok || slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Addr().WithZone("") == at.Unmap() }) {
			left = append(left, s)
		} else {
			gone = append(gone, s)
		}
	}
	n.mu.Unlock()
	for _, s := range left {
		s.hurry()
	}
	for _, s := range gone {
		s.conn.Close()
	}
	n.mu.Lock()
	for _, l := range n.links {
		if !l.online {
			l.kicked, l.pause = true, firstDelay
			l.signal()
		}
	}
	n.mu.Unlock()
	if n.mapper != nil {
		n.mapper.Again()
	}
	n.changedPaths()
	n.tellAll()
}
