package mesh

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"

	"hither/fusion"
)

// Dial connects to a port ("tcp" or "udp") of a name or an address of the network, for a
// proxy of this computer. It promises ErrNotFound for a name that nobody has.
func (m *Mesh) Dial(ctx context.Context, proto, host string, port int) (net.Conn, error) {
	r := m.running()
	if r == nil {
		return nil, &fusion.Error{Op: "net", Path: host, Cause: fusion.ErrNotFound, Detail: "the private network is off here", Hint: "hither net up"}
	}
	b := r.book.Load()
	at, err := netip.ParseAddr(host)
	if err != nil {
		var known bool
		if at, known = b.find(host); !known {
			return nil, &fusion.Error{Op: "net", Path: host, Cause: fusion.ErrNotFound, Detail: "nobody in the private network has this name", Hint: "hither net status lists the names"}
		}
	}
	conn, err := r.dial(ctx, proto, at, port)
	switch {
	case err == nil || errors.As(err, new(*fusion.Error)):
		return conn, err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, syscall.ECONNREFUSED), strings.HasSuffix(err.Error(), refusedByStack):
		return nil, &fusion.Error{Op: "net", Path: host, Cause: fusion.ErrNotFound, Detail: "nobody listens there", Hint: "start the service, or look at its port"}
	}
	return nil, &fusion.Error{Op: "net", Path: host, Cause: fusion.ErrOffline, Detail: "it does not answer", Hint: "hither net status says how it is with that computer"}
}

// refusedByStack is how gonet says ECONNREFUSED: as a text.
var refusedByStack = (&tcpip.ErrConnectionRefused{}).String()

// Covers says whether a name or an address is one of the network.
func Covers(host string) bool {
	if at, err := netip.ParseAddr(host); err == nil {
		return Prefix.Contains(at)
	}
	return underDomain(host)
}

func (r *running) dial(ctx context.Context, proto string, at netip.Addr, port int) (net.Conn, error) {
	if _, mine := r.book.Load().mine[at]; mine || at == r.m.own {
		_, conn, _, err := r.reach(proto, r.m.own, at, port)
		return conn, err
	}
	if r.tun != nil {
		return (&net.Dialer{}).DialContext(ctx, proto, net.JoinHostPort(at.String(), strconv.Itoa(port)))
	}
	full := func(a netip.Addr, port int) tcpip.FullAddress {
		return tcpip.FullAddress{NIC: card, Addr: tcpip.AddrFromSlice(a.AsSlice()), Port: uint16(port)}
	}
	own, there := full(r.m.own, 0), full(at, port)
	if proto == "udp" {
		return gonet.DialUDP(r.stack.stack, &own, &there, ipv6.ProtocolNumber)
	}
	conn, err := gonet.DialTCPWithBind(ctx, r.stack.stack, own, there, ipv6.ProtocolNumber)
	if err != nil {
		return nil, err
	}
	return stackConn{TCPConn: conn}, nil
}

// libvirtPorts are those of libvirtd for TCP and TLS (libvirt.org/remote.html).
var libvirtPorts = []int{16509, 16514}

// dialOwn connects to a service of this computer that listens on an address which others
// reach anyway: what listens on the loopback alone takes everybody there for this user. It is
// what a network device does by itself.
func (m *Mesh) dialOwn(ctx context.Context, proto string, port int) (net.Conn, error) {
	path := net.JoinHostPort(m.own.String(), strconv.Itoa(port))
	var failed error = &fusion.Error{Op: "net", Path: path, Cause: fusion.ErrNotFound, Detail: "this computer has no address that others reach", Hint: "look at its network"}
	for _, ip := range m.cfg.reachable() {
		conn, err := (&net.Dialer{}).DialContext(ctx, proto, net.JoinHostPort(ip.String(), strconv.Itoa(port)))
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

// kept refuses other computers the ports of the node and of libvirt.
func (m *Mesh) kept(port int) error {
	if !slices.Contains(m.cfg.Own(), port) && !slices.Contains(libvirtPorts, port) {
		return nil
	}
	return &fusion.Error{Op: "net", Path: net.JoinHostPort(m.own.String(), strconv.Itoa(port)), Cause: fusion.ErrPermission,
		Detail: "that is a port of the node or of libvirt", Hint: "reach the computer through Hither itself"}
}

// maxOwn bounds the addresses of this computer that are tried.
const maxOwn = 4

// reachable gives addresses of this computer that other computers reach it at.
func reachable() (out []netip.Addr) {
	list, _ := net.InterfaceAddrs() // none is an answer too
	for _, a := range list {
		p, err := netip.ParsePrefix(a.String())
		ip := p.Addr().Unmap()
		if err == nil && ip.IsGlobalUnicast() && !Prefix.Contains(ip) && len(out) < maxOwn {
			out = append(out, ip)
		}
	}
	return out
}
