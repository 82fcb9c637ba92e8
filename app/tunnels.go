package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"hither/app/mesh"
	"hither/app/tunnel"
	"hither/fusion"
)

func (n *Node) openTunnels(_ context.Context, cfg Config) (err error) {
	roots, err := caRoots(cfg.ACMERoots)
	if err != nil {
		return err
	}
	n.tunnels, err = tunnel.Open(tunnel.Config{
		Dir: cfg.Home.Sub("tunnels"),
		Dial: func(ctx context.Context, id fusion.HostID) (net.Conn, error) {
			return n.network.DialLasting(ctx, id, tunnelProtocol)
		},
		Find:  n.findForTunnel,
		Allow: n.allowTunnel,
		Guest: n.vms.DialGuest,
		Own:   n.ownPorts,
		CA:    cfg.ACME, CARoots: roots,
		Mesh:   n.mesh.Dial,
		InMesh: mesh.Covers,
		Log:    part(cfg, "tunnel"),
	})
	if err == nil {
		n.onClose(n.tunnels.Close)
	}
	return err
}

// caRoots reads the certificates that a CA's HTTPS is checked with; nil without a file.
func caRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	pool := x509.NewCertPool()
	if err == nil && pool.AppendCertsFromPEM(text) {
		return pool, nil
	}
	return nil, errors.Join(&fusion.Error{Op: "up", Path: file, Cause: fusion.ErrInvalid, Detail: "it has no certificates", Hint: "name a file of the CA's root certificates in PEM"}, err)
}

func (n *Node) findForTunnel(name string) (fusion.HostInfo, error) {
	_, info, err := n.Resolve(name)
	return info, err
}

// allowTunnel says whether a paired computer may use a capability here, on an object of
// tunnels.
func (n *Node) allowTunnel(id fusion.HostID, want fusion.Capability, object string) error {
	grants, _ := n.network.Grants(id)
	return n.allowStream("tunnel", id, want, object, n.tunnelObject(grants, object))
}

// allowStream says whether a paired computer may use a capability here, on an object or,
// where that is "", on everything. path is what an error names.
func (n *Node) allowStream(op string, id fusion.HostID, want fusion.Capability, path, object string) error {
	grants, paired := n.network.Grants(id)
	switch {
	case !paired:
		return &fusion.Error{Op: op, Path: n.Name(), Cause: fusion.ErrUnpaired, Hint: "pair the two computers first: hither pair"}
	case !fusion.AllowsOn(grants, want, object) && (strings.HasPrefix(object, "http:") || strings.HasPrefix(object, "https:")):
		return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrPermission, Detail: fmt.Sprintf("%s did not grant %q", n.Name(), string(want)+"@"+object),
			Hint: fmt.Sprintf("on %s: hither host grant %s +%s@%s", n.Name(), n.HostName(id), want, object)}
	case !fusion.AllowsOn(grants, want, object):
		return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrPermission, Detail: fmt.Sprintf("%s did not grant %q", n.Name(), want),
			Hint: fmt.Sprintf("on %s: hither host grant %s +%s", n.Name(), n.HostName(id), want)}
	}
	return nil
}

// lookUp bounds how long a machine's name is looked up for a grant.
const lookUp = 5 * time.Second

// tunnelObject is an object with what a machine is in place of its name, where some grant
// names objects: a machine that is not there is none.
func (n *Node) tunnelObject(grants []fusion.Grant, object string) string {
	machine, port, is := strings.Cut(object, "/")
	if !is || machine == fusion.Self || !slices.ContainsFunc(grants, func(g fusion.Grant) bool { return g.Cap == fusion.TunnelCap && g.Object != "" }) {
		return object
	}
	ctx, cancel := context.WithTimeout(n.ctx, lookUp)
	defer cancel()
	host, _, err := n.Resolve("")
	if err != nil {
		return noMachine
	}
	m, err := host.Machines().Get(ctx, machine)
	if err != nil || m.UUID == "" {
		return noMachine
	}
	return m.UUID + "/" + port
}

// noMachine is the object of what is not there: only a grant of everything covers it.
const noMachine = "-"

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
