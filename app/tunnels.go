package app

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hither/app/tunnel"
	"hither/fusion"
)

func (n *Node) openTunnels(_ context.Context, cfg Config) (err error) {
	n.tunnels, err = tunnel.Open(tunnel.Config{
		Dir: cfg.Home.Sub("tunnels"),
		Dial: func(ctx context.Context, id fusion.HostID) (net.Conn, error) {
			return n.network.DialLasting(ctx, id, tunnelProtocol)
		},
		Find:  n.findForTunnel,
		Allow: n.allowTunnel,
		Guest: n.vms.DialGuest,
		Own:   n.ownPorts,
		Log:   part(cfg, "tunnel"),
	})
	if err == nil {
		n.onClose(n.tunnels.Close)
	}
	return err
}

func (n *Node) findForTunnel(name string) (fusion.HostInfo, error) {
	_, info, err := n.Resolve(name)
	return info, err
}

// allowTunnel says whether a paired computer may use a capability here.
func (n *Node) allowTunnel(id fusion.HostID, want fusion.Capability, object string) error {
	grants, paired := n.network.Grants(id)
	switch {
	case !paired:
		return &fusion.Error{Op: "tunnel", Path: n.Name(), Cause: fusion.ErrUnpaired, Hint: "pair the two computers first: hither pair"}
	case !fusion.Allows(grants, want):
		return &fusion.Error{Op: "tunnel", Path: object, Cause: fusion.ErrPermission, Detail: fmt.Sprintf("%s did not grant %q", n.Name(), want),
			Hint: fmt.Sprintf("on %s: hither host grant %s +%s", n.Name(), n.HostName(id), want)}
	}
	return nil
}

// ownPorts are those on which this node listens, of TCP and of UDP.
func (n *Node) ownPorts() (ports []int) {
	texts := []string{}
	for _, addr := range n.network.Addrs() { // /ip4/192.0.2.1/tcp/4001/p2p/…, /ip4/…/udp/4001/quic-v1/…
		parts := strings.Split(addr, "/")
		for i := range len(parts) - 1 {
			if parts[i] == "tcp" || parts[i] == "udp" {
				texts = append(texts, parts[i+1])
			}
		}
	}
	if web, err := url.Parse(n.api.WebURL()); err == nil {
		texts = append(texts, web.Port())
	}
	for _, text := range texts {
		if port, err := strconv.Atoi(text); err == nil && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}
