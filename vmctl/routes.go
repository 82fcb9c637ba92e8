package vmctl

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"net"
	"net/netip"
	"os"
	"strings"
)

// route is a subnet that the host reaches, and by which interface.
type route struct {
	to  netip.Prefix
	dev string
}

// hostRoutes gives what the host reaches without its default route: its own
// addresses, and on Linux its routes. What cannot be read is left out.
func hostRoutes() []route {
	text, err := os.ReadFile("/proc/net/route")
	if err != nil {
		text = nil // another system: its addresses must do
	}
	routes := parseRoutes(string(text))
	interfaces, err := net.Interfaces()
	if err != nil {
		return routes
	}
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
				routes = append(routes, route{p.Masked(), i.Name})
			}
		}
	}
	return routes
}

// parseRoutes reads /proc/net/route: destination and mask are 32 bits in the host's
// byte order, in hexadecimal (net/ipv4/fib_trie.c, fib_route_seq_show).
func parseRoutes(text string) (routes []route) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		to, ok := routeNumber(f[1])
		mask, maskOK := routeNumber(f[7])
		if !ok || !maskOK || mask == 0 {
			continue
		}
		length := bits.LeadingZeros32(^mask)
		if p, err := ip4(to).Prefix(length); err == nil {
			routes = append(routes, route{p, f[0]})
		}
	}
	return routes
}

func routeNumber(text string) (uint32, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(raw), true
}

func ip4(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

// overlapping finds what a subnet overlaps.
func overlapping(p netip.Prefix, routes []route) (route, bool) {
	for _, r := range routes {
		if r.to.Overlaps(p) {
			return r, true
		}
	}
	return route{}, false
}

// hostBridges lists the bridges of the host's kernel.
func hostBridges() (names []string) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range interfaces {
		if _, err := os.Stat("/sys/class/net/" + i.Name + "/bridge"); err == nil {
			names = append(names, i.Name)
		}
	}
	return names
}

func hasInterface(name string) bool {
	_, err := net.InterfaceByName(name)
	return err == nil
}
