package peers

import (
	"net"
	"net/netip"
	"strconv"

	ma "github.com/multiformats/go-multiaddr"

	"hither/peers/gateway"
)

// openMapping begins to ask the router of the own network to open the port.
func (n *Network) openMapping() {
	if !n.maps() {
		return
	}
	port, err := strconv.ParseUint(n.port(), 10, 16)
	if err != nil {
		return // only QUIC, or IPv6 alone: there is no port of TCP
	}
	n.mapper = gateway.New(uint16(port), outsideAddr, n.tellAll, n.cfg.Log)
	n.start(func() { n.mapper.Run(n.ctx) })
}

// maps says whether the router may be asked: whoever names an address to listen at has
// chosen who reaches it.
func (n *Network) maps() bool {
	host, _, err := net.SplitHostPort(n.cfg.Listen)
	if err != nil || n.cfg.NoMapping {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.Unmap() == netip.IPv4Unspecified()
}

// Mapping tells what became of asking the router of the own network to open the port.
func (n *Network) Mapping() gateway.State {
	switch {
	case n.mapper != nil:
		return n.mapper.State()
	case n.cfg.NoMapping:
		return gateway.State{WhyNot: "it is switched off: hither up --port-mapping on"}
	}
	return gateway.State{WhyNot: "this computer listens at one address only"}
}

// mappedAddrs are those at which the router of the own network leads to this computer.
func (n *Network) mappedAddrs() []ma.Multiaddr {
	var addrs []ma.Multiaddr
	s := n.Mapping()
	if s.TCP.IsValid() {
		addrs = append(addrs, thinWaist(s.TCP, "tcp", ""))
	}
	if s.UDP.IsValid() {
		addrs = append(addrs, thinWaist(s.UDP, "udp", "/quic-v1"))
	}
	return addrs
}
