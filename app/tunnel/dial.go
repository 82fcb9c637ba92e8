package tunnel

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"hither/fusion"
)

// resolver turns names into addresses; net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// dialTime bounds how long a target may take to answer.
const dialTime = 10 * time.Second

// dialTarget connects to a target as this computer reaches it. What a name means is asked and
// looked at each time, and the address that was looked at is the one that is connected to.
func (s *Store) dialTarget(ctx context.Context, proto string, t fusion.Target) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	path := objectOf(t)
	if t.Machine != "" && t.Machine != fusion.Self {
		return s.cfg.Guest(ctx, t.Machine, proto, t.Port)
	}
	addrs, err := s.addresses(ctx, t)
	if err != nil {
		return nil, err
	}
	var failed error
	for i, ip := range addrs {
		if err := s.forbidden(ip, t.Port); err != nil {
			failed = err
			continue
		}
		// The last of several has all the time that is left.
		one, cancel := context.WithTimeout(ctx, dialTime/time.Duration(len(addrs)-i))
		conn, err := (&net.Dialer{}).DialContext(one, proto, netip.AddrPortFrom(ip, uint16(t.Port)).String())
		cancel()
		if err == nil {
			return conn, nil
		}
		failed = dialError(path, err)
	}
	return nil, failed
}

// addresses gives a target's addresses: this computer's loopback, the address itself, or what
// its name means now.
func (s *Store) addresses(ctx context.Context, t fusion.Target) ([]netip.Addr, error) {
	loopback := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	if t.Address == "" || strings.EqualFold(t.Address, "localhost") {
		return loopback, nil
	}
	if ip, err := netip.ParseAddr(t.Address); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	found, err := s.cfg.resolver.LookupNetIP(ctx, "ip", t.Address)
	if err != nil {
		return nil, &fusion.Error{Op: "tunnel", Path: objectOf(t), Cause: fusion.ErrNotFound, Detail: "its name is not known there", Hint: "see that the name is spelled right, or use an address"}
	}
	var out []netip.Addr
	for _, ip := range found {
		// A name elsewhere that means this computer is a trick (DNS rebinding).
		if ip = ip.Unmap(); !ip.IsLoopback() && ip.Zone() == "" && !slices.Contains(out, ip) && len(out) < 8 {
			out = append(out, ip)
		}
	}
	if len(out) == 0 {
		return nil, forbiddenError(objectOf(t), "its name means the loopback of the computer that looked it up", "to reach that computer itself leave the address out: HOST:PORT")
	}
	return out, nil
}

// forbidden refuses what no tunnel leads to, whoever asks: addresses that are nobody's,
// link-local ones, and at this computer the ports of the node, of what tunnels listen on
// and of libvirt.
func (s *Store) forbidden(ip netip.Addr, port int) error {
	path := netip.AddrPortFrom(ip, uint16(port)).String()
	switch {
	case !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "" || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return forbiddenError(path, "nobody can be connected to there", "name the address of a computer")
	case s.cfg.InMesh != nil && s.cfg.InMesh(ip.String()):
		return forbiddenError(path, "that is the private network, where this computer is let in and others are not", "take part in it: hither net up")
	case ip.IsLinkLocalUnicast():
		return forbiddenError(path, "link-local addresses are not reached: clouds keep their secrets there", "use another address of that computer")
	case !ip.IsLoopback() && !slices.Contains(ownAddresses(), ip):
		return nil
	case slices.Contains(s.cfg.Own(), port), slices.Contains(libvirtPorts, port):
		return forbiddenError(path, "that is a port of the node or of libvirt", "reach the computer through Hither itself")
	case slices.Contains(s.ports(), port):
		return forbiddenError(path, "another tunnel listens there, which may lead to a third computer", "pair with that computer itself")
	}
	return nil
}

// libvirtPorts are those of libvirtd for TCP and TLS (libvirt.org/remote.html).
var libvirtPorts = []int{16509, 16514}

func forbiddenError(path, detail, hint string) error {
	return &fusion.Error{Op: "tunnel", Path: path, Cause: fusion.ErrPermission, Detail: detail, Hint: hint}
}

// ports are those that tunnels listen on here.
func (s *Store) ports() []int {
	ports := append(s.far.ports(), s.front.Ports()...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if at, err := netip.ParseAddrPort(e.Listen); err == nil && e.Where() == "" {
			ports = append(ports, int(at.Port()))
		}
	}
	return ports
}

// ownAddresses are those of this computer now.
func ownAddresses() (own []netip.Addr) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p.Addr().Unmap())
		}
	}
	return own
}

// dialError says why a target did not answer.
func dialError(path string, err error) error {
	e := &fusion.Error{Op: "tunnel", Path: path, Cause: fusion.ErrNotFound}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Detail, e.Hint = "nobody listens there", "start the service, or look at its port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Detail, e.Hint = "there is no way to that address", "look at the network of the computer that the tunnel leaves from"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		e.Detail, e.Hint = "it does not answer", "see that it is awake and that no firewall is between"
	case errors.Is(err, context.Canceled):
		return err
	default:
		e.Cause, e.Detail = err, ""
	}
	return e
}
