//go:build linux && e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// internet is a public network in network namespaces, with routers behind which
// computers stand as they do at home, in an office and on a phone. It needs root,
// iproute2 and nftables; no packet leaves it.
type internet struct {
	t    *testing.T
	name string // of the namespaces, as a prefix
	next int    // the next public address
}

// listenPort is the port of every node in it, so that a router can forward it.
const listenPort = "4711"

// The ways in which a computer is connected.
const (
	open      = "open"      // a public address of IPv4 and IPv6
	keeps     = "keeps"     // NAT that keeps the port and lets in only what was asked for
	forwarded = "forwarded" // the same, which forwards the node's port
	changes   = "changes"   // NAT that takes another port for each connection (symmetric)
	noUDP     = "no UDP"    // a NAT that keeps the port, and a firewall for UDP
	ipv6      = "IPv6 only" // a firewall that lets in only what was asked for, no NAT
	double    = "double"    // two NATs that keep the port, one behind the other
)

var connections = []string{open, keeps, forwarded, changes, noUDP, ipv6, double}

func newInternet(t *testing.T) *internet {
	if os.Getuid() != 0 {
		t.Fatal("this test makes network namespaces; run it as root, as CI does")
	}
	n := &internet{t: t, name: fmt.Sprintf("he%d", os.Getpid()), next: 10}
	t.Cleanup(func() {
		out, err := exec.Command("ip", "netns", "list").Output()
		if err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(string(out)) {
			if ns, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(ns, n.name) {
				n.sh("ip netns del " + ns)
			}
		}
	})
	n.space("net")
	n.in("net", `
		ip link add br0 type bridge
		ip addr add 203.0.113.1/24 dev br0
		ip addr add 2001:db8:ff::1/64 dev br0 nodad
		ip link set br0 up`)
	return n
}

func (n *internet) sh(script string) {
	n.t.Helper()
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		n.t.Fatalf("%v: %s\n%s", err, out, script)
	}
}

// in runs a script inside a namespace.
func (n *internet) in(ns, script string) {
	n.t.Helper()
	cmd := exec.Command("ip", "netns", "exec", n.name+ns, "sh", "-ec", script)
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Fatalf("in %s: %v: %s\n%s", ns, err, out, script)
	}
}

// ask is in for a script that says one line.
func (n *internet) ask(ns, script string) string {
	n.t.Helper()
	out, err := exec.Command("ip", "netns", "exec", n.name+ns, "sh", "-ec", script).Output()
	if err != nil {
		n.t.Fatalf("in %s: %v\n%s", ns, err, script)
	}
	return strings.TrimSpace(string(out))
}

func (n *internet) space(ns string) {
	n.t.Helper()
	n.sh("ip netns add " + n.name + ns)
	n.in(ns, `
		sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
		ip link set lo up`)
}

// cable connects two namespaces.
func (n *internet) cable(a, devA, b, devB string) {
	n.t.Helper()
	n.sh(fmt.Sprintf("ip link add %s netns %s type veth peer name %s netns %s", devA, n.name+a, devB, n.name+b))
	n.in(a, "ip link set "+devA+" up")
	n.in(b, "ip link set "+devB+" up")
}

// public puts a namespace on the public network.
func (n *internet) public(ns string) {
	n.t.Helper()
	port := fmt.Sprintf("p%d", n.next)
	n.cable(ns, "wan", "net", port)
	n.in("net", "ip link set "+port+" master br0")
	n.in(ns, fmt.Sprintf(`
		ip addr add 203.0.113.%d/24 dev wan
		ip addr add 2001:db8:ff::%d/64 dev wan nodad
		ip route add default via 203.0.113.1
		ip -6 route add default via 2001:db8:ff::1`, n.next, n.next))
	n.next++
}

// nat makes a namespace on the public network (or behind another one) a router
// with a NAT, or for IPv6 a firewall alone. Its other device is lan.
func (n *internet) nat(ns, how string) {
	n.t.Helper()
	snat, inside, blocked := "masquerade", "", ""
	switch how {
	case changes:
		snat = "masquerade random,fully-random"
	case noUDP:
		blocked = "ip protocol udp drop"
	case forwarded:
		inside = fmt.Sprintf("iifname wan tcp dport %[1]s dnat to 192.168.%[2]d.2; iifname wan udp dport %[1]s dnat to 192.168.%[2]d.2", listenPort, n.subnet(ns))
	}
	n.in(ns, fmt.Sprintf(`nft -f - <<'EOF'
		table ip nat {
			chain post { type nat hook postrouting priority srcnat; oifname wan %s; }
			chain pre { type nat hook prerouting priority dstnat; %s; }
		}
		table inet filter {
			chain input { type filter hook input priority filter; policy drop;
				iifname lo accept; iifname lan accept; ct state established,related accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept; }
			chain forward { type filter hook forward priority filter; policy drop; %s;
				ct state established,related accept; ct status dnat accept; iifname lan accept; }
		}
EOF`, snat, inside, blocked))
}

// subnet numbers the network behind a router: each has one of its own.
func (n *internet) subnet(ns string) int {
	sum := 0
	for _, c := range ns {
		sum = sum*7 + int(c)
	}
	return 2 + sum%250
}

// behind connects a computer to a router in one of the ways.
func (n *internet) behind(ns, router, how string) { n.plug(ns, "wan", router, how) }

// plug is behind for a computer that has several cards.
func (n *internet) plug(ns, card, router, how string) {
	n.t.Helper()
	net := n.subnet(router)
	n.cable(router, "lan", ns, card)
	if how == ipv6 {
		n.in(router, fmt.Sprintf("ip addr add 2001:db8:%x::1/64 dev lan nodad", net))
		n.in(ns, fmt.Sprintf("ip addr add 2001:db8:%x::2/64 dev %s nodad; ip -6 route add default via 2001:db8:%x::1", net, card, net))
		n.in("net", fmt.Sprintf("ip -6 route add 2001:db8:%x::/64 via $(ip netns exec %s ip -6 -o addr show dev wan scope global | sed 's/.*inet6 \\([^/]*\\).*/\\1/')", net, n.name+router))
		return
	}
	n.in(router, fmt.Sprintf("ip addr add 192.168.%d.1/24 dev lan", net))
	n.in(ns, fmt.Sprintf("ip addr add 192.168.%d.2/24 dev %s; ip route add default via 192.168.%d.1 metric %d", net, card, net, net))
}

// connect makes a namespace for a computer that is connected in one of the ways.
func (n *internet) connect(ns, how string) {
	n.t.Helper()
	n.space(ns)
	switch how {
	case open:
		n.public(ns)
	case double:
		for i, router := range []string{ns + "o", ns + "i"} {
			n.space(router)
			if i == 0 {
				n.public(router)
			} else {
				n.behind(router, ns+"o", how)
			}
			n.nat(router, keeps)
		}
		n.behind(ns, ns+"i", how)
	default:
		n.space(ns + "r")
		n.public(ns + "r")
		n.nat(ns+"r", how)
		n.behind(ns, ns+"r", how)
	}
}

// within starts a command inside a namespace.
func (n *internet) within(ns string) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
		ip, err := exec.LookPath("ip")
		if err != nil {
			return err
		}
		cmd.Args = append([]string{"ip", "netns", "exec", n.name + ns}, append([]string{filepath.Clean(cmd.Path)}, cmd.Args[1:]...)...)
		cmd.Path = ip
		return cmd.Start()
	}
}

// punchable says whether two computers can have a direct connection.
func punchable(a, b string) bool {
	switch {
	case a == ipv6 || b == ipv6:
		return (a == ipv6 || a == open) && (b == ipv6 || b == open)
	case a == changes && b == changes:
		return false
	case a == changes:
		return b == open || b == forwarded
	case b == changes:
		return a == open || a == forwarded
	}
	return true
}
