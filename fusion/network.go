package fusion

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// NetworkKind says how far a network of virtual machines reaches.
type NetworkKind string

const (
	// NAT: machines reach out through the host's own address; nobody outside
	// begins a connection to them.
	NAT NetworkKind = "nat"
	// Isolated: machines reach one another and the host, and nothing else.
	Isolated NetworkKind = "isolated"
	// Routed: packets leave with the machines' own addresses; the routers outside
	// must know the way back.
	Routed NetworkKind = "routed"
	// Bridged: machines stand on a bridge of the host's, beside it.
	Bridged NetworkKind = "bridge"
	// Switched: machines stand on a bridge of Open vSwitch's.
	Switched NetworkKind = "ovs"
	// OtherNetwork is a kind that was made elsewhere and that Create does not make.
	OtherNetwork NetworkKind = "other"
)

// NetworkKinds are those that Create makes, in the order a person is asked.
var NetworkKinds = []NetworkKind{NAT, Isolated, Routed, Bridged, Switched}

// HasSubnet says whether the host gives addresses to the network's machines.
func (k NetworkKind) HasSubnet() bool { return k == NAT || k == Isolated || k == Routed }

// Network is what virtual machines of one host are plugged into.
type Network struct {
	// Host is empty inside a Host and filled by whoever holds several hosts.
	Host string      `json:"host"`
	Name string      `json:"name"`
	Kind NetworkKind `json:"kind"`
	// Active says that it runs; machines on one that does not run cannot start.
	Active bool `json:"active"`
	// Autostart says that it starts with the host.
	Autostart bool `json:"autostart"`
	// Bridge is the interface of the host that it is, "" when there is none.
	Bridge string `json:"bridge"`
	// Subnet is its addresses as CIDR ("10.9.0.0/24"), "" when the host gives none.
	Subnet string `json:"subnet"`
	// Machines are the names of those that have a network card on it, sorted.
	Machines []string `json:"machines"`
	// Leases counts the addresses that the host's DHCP server has given out.
	Leases int `json:"leases"`
}

// NetworkSpec says what to create. Name and Kind are required.
type NetworkSpec struct {
	Name string      `json:"name"`
	Kind NetworkKind `json:"kind"`
	// Subnet is for kinds with HasSubnet; default: a /24 that is free.
	Subnet string `json:"subnet"`
	// Bridge is the host's bridge: required for Bridged; for Switched the default is
	// one of the network's name, which is made where there is none.
	Bridge string `json:"bridge"`
}

// Lease is an address that the host's DHCP server gave a machine.
type Lease struct {
	MAC     string    `json:"mac"`
	IP      string    `json:"ip"`
	Name    string    `json:"name"`    // what the guest calls itself, or ""
	Machine string    `json:"machine"` // whose card it is, or ""
	Expires time.Time `json:"expires,omitzero"`
}

// NIC is a network card of a machine.
type NIC struct {
	MAC   string `json:"mac"`
	Model string `json:"model"` // "virtio", "e1000", …
	// Kind is "user" for user-mode networking, in which QEMU itself speaks for the
	// guest, else "network", "bridge" or libvirt's own word.
	Kind string `json:"kind"`
	// Network is the network's name, "" when it is on none.
	Network string `json:"network"`
	// Bridge is the host's bridge that it is plugged into, or "".
	Bridge    string       `json:"bridge"`
	Addresses []NICAddress `json:"addresses"`
}

// NICAddress is an IP address of a card and who says so: "lease" (the host's DHCP
// server), "arp" (the host's kernel has seen it) or "agent" (the guest itself says it,
// which proves nothing).
type NICAddress struct {
	IP     string `json:"ip"`
	Source string `json:"source"`
}

// Networks are the networks of one host's virtual machines. To change them is to
// change the host's own network: another host needs the capability admin.
type Networks interface {
	// List gives every network by name. A host without virtual machines has none.
	List(ctx context.Context) ([]Network, error)
	// Get promises ErrNotFound.
	Get(ctx context.Context, name string) (Network, error)
	// Create makes a network, whole or not at all, that runs now and starts with the
	// host. It promises ErrExists, ErrInvalid for a spec that Check refuses and for a
	// subnet that overlaps the host's routes or another network, and ErrUnsupported
	// when the host lacks what the kind needs.
	Create(ctx context.Context, spec NetworkSpec) (Network, error)
	// Remove promises ErrNotFound, and ErrBusy while a machine has a card on it.
	Remove(ctx context.Context, name string) error
	// Start promises ErrNotFound; one that runs is no error.
	Start(ctx context.Context, name string) error
	// Stop promises ErrNotFound, and ErrBusy while a machine on it runs; one that does
	// not run is no error.
	Stop(ctx context.Context, name string) error
	// Leases gives the addresses in use, by IP. It promises ErrNotFound.
	Leases(ctx context.Context, name string) ([]Lease, error)
	// NICs gives a machine's cards in the order of its definition. It promises
	// ErrNotFound, and ErrUnsupported for "self".
	NICs(ctx context.Context, machine string) ([]NIC, error)
}

// maxInterface is the longest name of a network interface (IFNAMSIZ - 1).
const maxInterface = 15

// Check returns an error with cause ErrInvalid unless the spec can be asked for; what
// the host has is not looked at.
func (s NetworkSpec) Check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	refuse := func(detail, hint string) error {
		return &Error{Op: "network", Path: s.Name, Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	switch {
	case !slices.Contains(NetworkKinds, s.Kind):
		return refuse("there is no such kind of network", "one of: nat, isolated, routed, bridge, ovs")
	case s.Subnet != "" && !s.Kind.HasSubnet():
		return refuse("a bridge has no subnet of its own", "leave the subnet out; machines get their addresses from the network outside")
	case s.Bridge != "" && s.Kind.HasSubnet():
		return refuse("only the kinds bridge and ovs name a bridge", "leave the bridge out, or choose --kind bridge")
	case s.Bridge == "" && s.Kind == Bridged:
		return refuse("no bridge is named", "name a bridge of that computer, as in --bridge br0")
	}
	if s.Bridge != "" || s.Kind == Switched {
		if err := checkInterface(s.SwitchName()); err != nil {
			return refuse("the bridge's name is not one of an interface", fmt.Sprintf("a bridge has 1 to %d letters, digits and . _ -, as in --bridge br0", maxInterface))
		}
	}
	if s.Subnet == "" {
		return nil
	}
	_, err := ParseSubnet(s.Subnet)
	return err
}

// SwitchName is the bridge that the spec names, or means.
func (s NetworkSpec) SwitchName() string {
	if s.Bridge == "" {
		return s.Name
	}
	return s.Bridge
}

// checkInterface is for names that go to the kernel and to ovs-vsctl.
func checkInterface(name string) error {
	if len(name) > maxInterface || strings.Contains(name, "~") {
		return ErrInvalid
	}
	return CheckName(name)
}

// private are the addresses that nobody on the Internet has (RFC 1918, RFC 6598).
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
}

// The sizes of a subnet: libvirt's DHCP ranges hold at most 65,535 addresses.
const (
	largestSubnet  = 16
	smallestSubnet = 29
)

// ParseSubnet reads a private IPv4 subnet of /16 to /29, or returns an error with
// cause ErrInvalid.
func ParseSubnet(text string) (netip.Prefix, error) {
	refuse := func(detail, hint string) (netip.Prefix, error) {
		return netip.Prefix{}, &Error{Op: "subnet", Path: clip(text), Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || !p.Addr().Is4():
		return refuse("it is no IPv4 subnet", "a subnet is an address and a length, as in 10.9.0.0/24")
	case p.Masked() != p:
		return refuse("it has bits beyond its length", "did you mean "+p.Masked().String()+"?")
	case !slices.ContainsFunc(private, func(all netip.Prefix) bool { return all.Bits() <= p.Bits() && all.Contains(p.Addr()) }):
		return refuse("its addresses are not private", "take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
	case p.Bits() < largestSubnet || p.Bits() > smallestSubnet:
		return refuse("it is too large or too small", fmt.Sprintf("a subnet has a length of /%d to /%d", largestSubnet, smallestSubnet))
	}
	return p, nil
}

// FreeSubnet gives a /24 that overlaps none of taken, or false.
func FreeSubnet(taken []netip.Prefix) (netip.Prefix, bool) {
	free := func(p netip.Prefix) bool { return !slices.ContainsFunc(taken, p.Overlaps) }
	for _, base := range [][2]byte{{192, 168}, {10, 77}, {172, 30}} {
		for third := 100; third < 256; third++ {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{base[0], base[1], byte(third), 0}), 24)
			if free(p) {
				return p, true
			}
		}
	}
	return netip.Prefix{}, false
}
