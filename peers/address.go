package peers

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"hither/fusion"
	"hither/internal/wholefile"
)

// listen opens TCP, and QUIC on the same port where that is free: at the address
// that was given, else at every one of IPv4 and IPv6.
func (n *Network) listen(ctx context.Context) error {
	hostText, portText, err := net.SplitHostPort(n.cfg.Listen)
	port, perr := strconv.ParseUint(portText, 10, 16)
	if err != nil || perr != nil {
		return &fusion.Error{Op: "peers.listen", Path: n.cfg.Listen, Cause: fusion.ErrInvalid, Hint: "give HOST:PORT, for example 0.0.0.0:0"}
	}
	bases := []string{"/ip4/0.0.0.0", "/ip6/::"}
	if hostText != "" {
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", hostText)
		if err != nil || len(ips) == 0 {
			return &fusion.Error{Op: "peers.listen", Path: n.cfg.Listen, Cause: fusion.ErrInvalid, Hint: "give an address of this computer"}
		}
		bases = []string{"/ip6/" + ips[0].String()}
		if ip := ips[0].Unmap(); ip.Is4() {
			bases = []string{"/ip4/" + ip.String()}
		}
	}
	kept := uint64(0)
	if port == 0 {
		kept = n.keptPort()
	}
	bound, err := n.listenTCP(bases[0], port, kept)
	if err != nil && len(bases) > 1 { // a computer without IPv4
		bases = bases[1:]
		bound, err = n.listenTCP(bases[0], port, kept)
	}
	if err != nil {
		return &fusion.Error{Op: "peers.listen", Path: n.cfg.Listen, Cause: fusion.ErrBusy, Detail: err.Error(),
			Hint: "choose another port with --listen, or port 0"}
	}
	if port == 0 && bound != kept {
		if err := wholefile.Write(n.portPath(), []byte(strconv.FormatUint(bound, 10)+"\n")); err != nil {
			return &fusion.Error{Op: "peers.listen", Path: n.portPath(), Cause: err}
		}
	}
	text := strconv.FormatUint(bound, 10)
	if len(bases) > 1 {
		if err := n.listenAt(bases[1] + "/tcp/" + text); err != nil {
			n.cfg.Log.Info("no IPv6", "err", err)
			bases = bases[:1]
		}
	}
	for _, base := range bases {
		if err := n.listenAt(base + "/udp/" + text + "/quic-v1"); err != nil {
			n.cfg.Log.Warn("no QUIC, TCP works", "err", err)
		}
	}
	n.cfg.Log.Info("listening", "addrs", n.Addrs())
	return nil
}

// listenTCP binds port; when that is 0 the kept one, and when that is taken
// (by another program, meanwhile) a new one. It gives the port it got.
func (n *Network) listenTCP(base string, port, kept uint64) (uint64, error) {
	tries := []uint64{port}
	if port == 0 && kept != 0 {
		tries = []uint64{kept, 0}
	}
	var errs error
	for _, try := range tries {
		if err := n.listenAt(base + "/tcp/" + strconv.FormatUint(try, 10)); err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		for _, addr := range n.host.Network().ListenAddresses() {
			if text, err := addr.ValueForProtocol(ma.P_TCP); err == nil {
				return strconv.ParseUint(text, 10, 16)
			}
		}
	}
	return 0, errs
}

func (n *Network) listenAt(text string) error {
	addr, err := ma.NewMultiaddr(text)
	if err != nil {
		return err
	}
	return n.host.Network().Listen(addr)
}

func (n *Network) portPath() string { return filepath.Join(n.cfg.Dir, "port") }

// keptPort gives the port of the last time, or 0.
func (n *Network) keptPort() uint64 {
	text, err := os.ReadFile(n.portPath())
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			n.cfg.Log.Warn("the kept port cannot be read", "err", err)
		}
		return 0
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil {
		n.cfg.Log.Warn("the kept port is none", "path", n.portPath())
	}
	return port
}

// Addrs gives the multiaddrs at which this computer listens, each ending in
// /p2p/ID: local network before loopback, TCP before QUIC.
func (n *Network) Addrs() []string {
	var texts []string
	for _, addr := range n.listenAddrs() {
		texts = append(texts, addr.String()+"/p2p/"+n.host.ID().String())
	}
	return texts
}

func (n *Network) listenAddrs() []ma.Multiaddr {
	// Not the swarm's list, which is up to a minute old.
	addrs := slices.DeleteFunc(n.host.Network().ListenAddresses(), isRelayed)
	if own, err := manet.InterfaceMultiaddrs(); err != nil {
		n.cfg.Log.Warn("own addresses", "err", err)
	} else if resolved, err := manet.ResolveUnspecifiedAddresses(addrs, own); err == nil { // else: there is none
		addrs = resolved
	}
	addrs = slices.DeleteFunc(addrs, inMesh)
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int { return addrRank(a) - addrRank(b) })
	return addrs
}

// inMesh says whether an address is one of the private network, which connections carry and
// never go over.
func inMesh(addr ma.Multiaddr) bool {
	ip, err := manet.ToIP(addr)
	at, ok := netip.AddrFromSlice(ip)
	return err == nil && ok && fusion.MeshPrefix.Contains(at)
}

// addrRank sorts addresses by how likely another computer reaches them.
func addrRank(addr ma.Multiaddr) int {
	rank := 0
	if _, err := addr.ValueForProtocol(ma.P_TCP); err != nil {
		rank++
	}
	if _, err := addr.ValueForProtocol(ma.P_IP4); err != nil {
		rank += 2
	}
	if manet.IsIP6LinkLocal(addr) {
		rank += 4
	}
	if manet.IsIPLoopback(addr) {
		rank += 8
	}
	return rank
}

// parseAddr reads a multiaddr that ends in /p2p/ID.
func parseAddr(text string) (*peer.AddrInfo, error) {
	addr, err := ma.NewMultiaddr(text)
	if err == nil {
		var info *peer.AddrInfo
		if info, err = peer.AddrInfoFromP2pAddr(addr); err == nil && len(info.Addrs) > 0 {
			return info, nil
		}
	}
	return nil, &fusion.Error{Op: "address", Path: text, Cause: fusion.ErrInvalid,
		Hint: "an address looks like /ip4/192.168.1.7/tcp/4711/p2p/12D3Koo…; the other computer shows it beside the code"}
}

// usable keeps the addresses that a paired computer told us and that can be
// dialed from here: no /p2p part, no names to resolve, loopback only from one
// that came over the loopback.
func usable(texts []string, viaLoopback bool) []string {
	var kept []string
	for _, text := range texts {
		addr, err := ma.NewMultiaddr(text)
		if err != nil || len(text) > maxAddrText || !manet.IsThinWaist(addr) || isRelayed(addr) || inMesh(addr) {
			continue
		}
		if manet.IsIPLoopback(addr) && !viaLoopback {
			continue
		}
		kept = append(kept, text)
	}
	return kept[:min(len(kept), maxAddrs)]
}

const maxAddrText = 128

func multiaddrs(texts []string) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, text := range texts {
		if addr, err := ma.NewMultiaddr(text); err == nil {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

func addrTexts(addrs []ma.Multiaddr) []string {
	var texts []string
	for _, addr := range addrs {
		texts = append(texts, addr.String())
	}
	return texts
}
