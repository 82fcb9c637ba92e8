package app

import (
	"context"
	"iter"
	"net"
	"slices"
	"strings"
	"time"

	"hither/app/api"
	"hither/app/asks"
	"hither/app/audit"
	"hither/app/client"
	"hither/app/jobs"
	"hither/fusion"
	"hither/mirror/rtc"
	"hither/peers"
	pb "hither/proto/hither/v1"
)

var _ api.Node = (*Node)(nil)

// Name is what this computer is called.
func (n *Node) Name() string { return n.network.Name() }

// Resolve gives a host by name or ID; "" is this computer.
func (n *Node) Resolve(name string) (fusion.Host, fusion.HostInfo, error) {
	if name == "" || name == n.network.Name() || name == string(n.network.ID()) {
		info, err := n.local.Info(n.ctx)
		return n.local, info, err
	}
	peer, err := n.network.Lookup(name)
	if err != nil {
		return nil, fusion.HostInfo{}, err
	}
	return n.remote(peer), n.peerInfo(peer), nil
}

// remote gives a paired computer as a Host.
func (n *Node) remote(peer peers.Peer) fusion.Host {
	return n.clientOf(peer.ID).HostAs(string(peer.ID), peer.Name)
}

func (n *Node) clientOf(id fusion.HostID) *client.Client {
	dial := func(protocol string) client.Dial {
		return func(ctx context.Context) (net.Conn, error) { return n.network.Dial(ctx, id, protocol) }
	}
	c := client.New(dial(apiProtocol), dial(screenProtocol))
	c.Datagrams = n.datagrams
	return c
}

// datagrams connects a view of another computer over datagrams. Where there is no
// way, as without UDP, the view stays on its stream.
func (n *Node) datagrams(ctx context.Context, exchange func(context.Context, string) (string, error)) (fusion.Pipe, error) {
	start := time.Now()
	pipe, way, err := rtc.DialThrough(ctx, n.TURN(ctx), exchange)
	if err != nil {
		n.log.Info("a view stays on its stream", "trace", fusion.Trace(ctx), "after", time.Since(start), "err", err)
		return nil, err
	}
	n.log.Debug("a view goes over datagrams", "trace", fusion.Trace(ctx), "by", way, "connected in", time.Since(start))
	return pipe, nil
}

// TURN gives the servers of the owner's routers, by which views find a way through NATs.
func (n *Node) TURN(ctx context.Context) (servers []rtc.Server) {
	for _, s := range n.network.TURN(ctx) {
		servers = append(servers, rtc.Server(s))
	}
	return servers
}

// Audit is what other computers did and have open here.
func (n *Node) Audit() *audit.Log { return n.audit }

// Asks keeps what other computers were refused here.
func (n *Node) Asks() *asks.Book { return &n.asks }

// Jobs keeps the calls of the API that take long.
func (n *Node) Jobs() *jobs.Registry { return n.jobs }

// HostName gives the name of a host's ID, or the ID itself.
func (n *Node) HostName(id fusion.HostID) string {
	if id == n.network.ID() {
		return n.network.Name()
	}
	if peer, err := n.network.Lookup(string(id)); err == nil {
		return peer.Name
	}
	return string(id)
}

// Hosts lists this computer first, then the paired ones by name.
func (n *Node) Hosts() []fusion.HostInfo {
	info, _ := n.table.host(n.network.ID())
	out := []fusion.HostInfo{info}
	for _, peer := range n.network.Peers() {
		out = append(out, n.peerInfo(peer))
	}
	return out
}

// peerInfo joins what the network knows of a paired computer with what that
// computer last said of itself.
func (n *Node) peerInfo(p peers.Peer) fusion.HostInfo {
	said, _ := n.table.host(p.ID)
	heard := n.heard.get(p.ID)
	info := fusion.HostInfo{ID: p.ID, Name: p.Name, Online: p.Online, Path: p.Path,
		Via: p.Via, Transport: p.Transport, Addr: p.Addr, RTTMicros: p.RTT.Microseconds(), WhyNot: p.WhyNot, Own: p.Own, Roles: listed(heard.Roles), Color: p.Color,
		OS: said.OS, Version: said.Version, LastSeen: p.LastSeen, Fingerprint: p.Fingerprint, Grants: []string{},
		May: listed(heard.May), Cards: listed(heard.Cards)}
	if !p.Online {
		info.Away = heard.Away
	}
	for _, g := range p.Grants {
		info.Grants = append(info.Grants, n.Shown(g).String())
	}
	return info
}

// selfInfo describes this computer.
func (n *Node) selfInfo(os string) fusion.HostInfo {
	return fusion.HostInfo{ID: n.network.ID(), Name: n.network.Name(), Online: true, Roles: n.roles.get(), Local: true,
		OS: os, Version: Version, Fingerprint: n.network.Fingerprint(), LastSeen: time.Now(), Grants: []string{},
		May: []string{string(fusion.AdminCap)}, Cards: n.cards()}
}

// listed makes an absent list an empty one, so that it is [] in JSON.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return slices.Clone(list)
}

// Grants gives what a paired key may do here now.
func (n *Node) Grants(peer fusion.HostID) ([]fusion.Grant, bool) { return n.network.Grants(peer) }

// Shown gives a grant with the name that its machine has now; one that is gone keeps its
// UUID.
func (n *Node) Shown(g fusion.Grant) fusion.Grant {
	uuid, app, isApp := strings.Cut(g.Object, "/")
	name, ok := n.table.machineName(n.network.ID(), uuid)
	if !ok || g.Cap == fusion.FilesCap {
		return g
	}
	if g.Object = name; isApp {
		g.Object += "/" + app
	}
	return g
}

// Status describes this node.
func (n *Node) Status() *pb.StatusResponse {
	status := &pb.StatusResponse{
		Id: string(n.network.ID()), Name: n.network.Name(), Home: n.home.Dir, ApiSocket: n.home.Socket(),
		WebUrl: n.api.WebURL(), LibvirtUri: n.vms.URI(), Version: Version,
		Fingerprint: n.network.Fingerprint(), Addrs: n.network.Addrs(),
	}
	for _, info := range n.Hosts()[1:] {
		status.Peers = append(status.Peers, hostToPB(info))
	}
	return status
}

// Watch is fusion.Host.Watch over one host's events, or over all for "".
func (n *Node) Watch(ctx context.Context, host fusion.HostID) iter.Seq2[fusion.Event, error] {
	return n.table.watch(ctx, host)
}
