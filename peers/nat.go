package peers

import (
	"fmt"
	"net/netip"
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// What a computer says of its own way out, for the others' WhyNot.
const (
	natNone    = "none"    // it is seen at an address of its own
	natKeeps   = "keeps"   // its connections leave from ports that others can know
	natChanges = "changes" // each connection leaves from another port
	natBlocked = "no-udp"  // routers' answers by UDP do not come
	natUnknown = ""        // no router was asked
)

// nat judges the own way out by what routers have seen.
func (n *Network) nat() string {
	nets, err := ownNets()
	if err != nil {
		return natUnknown
	}
	all := n.seen.all()
	if len(all) == 0 {
		if n.seen.isSilent() {
			return natBlocked
		}
		return natUnknown
	}
	result := natNone
	for _, one := range all {
		if slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Addr() == one.addr.Addr() }) {
			continue
		}
		if result = natKeeps; one.addr.Port() == one.local {
			continue
		}
		// Another port does no harm when every router sees the same one.
		same := slices.DeleteFunc(slices.Clone(all), func(o outside) bool { return o.addr.Addr() != one.addr.Addr() })
		if len(same) < 2 || slices.ContainsFunc(same, func(o outside) bool { return o.addr != one.addr }) {
			return natChanges
		}
	}
	return result
}

// whyNot says why a path goes through a router and what would help.
func (n *Network) whyNot(name string, says []string, theirs string, tried bool) string {
	own, port := n.nat(), n.port()
	why := "a firewall between lets no direct connection through; let its port through there"
	mine, them := families(n.listenAddrs()), families(multiaddrs(says))
	switch {
	case len(mine) > 0 && len(them) > 0 && !slices.ContainsFunc(mine, func(f int) bool { return slices.Contains(them, f) }):
		why = fmt.Sprintf("one of %s and this computer has only IPv4, the other only IPv6; IPv6 on both would help", name)
	case !tried:
		why = "a direct connection is being tried"
	case own == natChanges:
		why = fmt.Sprintf("the network of this computer gives each connection another port; forward port %s to it in the network's router, or use IPv6", port)
	case theirs == natChanges:
		why = fmt.Sprintf("the network of %s gives each connection another port; forward the port of Hither to it in that network's router, or use IPv6", name)
	case own == natBlocked:
		why = fmt.Sprintf("the network of this computer lets no UDP through; let port %s through", port)
	case theirs == natBlocked:
		why = fmt.Sprintf("the network of %s lets no UDP through; let the port of Hither through there", name)
	}
	return why
}

// families gives the IP versions by which a computer leaves its own network.
func families(addrs []ma.Multiaddr) []int {
	var list []int
	for _, addr := range addrs {
		if manet.IsIPLoopback(addr) || manet.IsIP6LinkLocal(addr) || len(addr) == 0 {
			continue
		}
		if code := addr[0].Code(); !slices.Contains(list, code) {
			list = append(list, code)
		}
	}
	return list
}

// port is the port that this computer listens on, as text.
func (n *Network) port() string {
	for _, addr := range n.host.Network().ListenAddresses() {
		if text, err := addr.ValueForProtocol(ma.P_TCP); err == nil {
			return text
		}
	}
	return ""
}
