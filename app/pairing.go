package app

import (
	"context"
	"fmt"
	"time"

	"hither/app/api"
	"hither/app/convert"
	"hither/fusion"
	"hither/peers"
	pb "hither/proto/hither/v1"
	"hither/remoteapp"
)

func hostToPB(h fusion.HostInfo) *pb.Host { return convert.HostToPB(h) }

// offer is an open pairing code, for the API.
type offer struct {
	n     *Node
	offer *peers.Offer
}

// Offer opens a pairing code; whoever uses it gets the grants here.
func (n *Node) Offer(ctx context.Context, grants []fusion.Grant) (api.Offer, error) {
	o, err := n.network.Offer(ctx, grants)
	if err != nil {
		return nil, err
	}
	return offer{n: n, offer: o}, nil
}

func (o offer) Code() (code, addr string, expires time.Time) {
	return o.offer.Code, o.offer.Addr, o.offer.Expires
}

func (o offer) Through() (at, router string) { return o.offer.Through, o.offer.Router }

// Wait withdraws the code when ctx ends.
func (o offer) Wait(ctx context.Context) (fusion.HostInfo, error) {
	defer o.offer.Close()
	peer, err := o.offer.Wait(ctx)
	if err != nil {
		return fusion.HostInfo{}, err
	}
	return o.n.peerInfo(peer), nil
}

// Join pairs with the computer that shows the code.
func (n *Node) Join(ctx context.Context, code, addr string, grants []fusion.Grant) (fusion.HostInfo, error) {
	peer, err := n.network.Join(ctx, code, addr, grants)
	if err != nil {
		return fusion.HostInfo{}, err
	}
	return n.peerInfo(peer), nil
}

// Forget unpairs a computer: its key may do nothing here from now on. Its views
// hear why before its connections end.
func (n *Node) Forget(ctx context.Context, host fusion.HostID) error {
	if err := n.network.SetGrants(ctx, host, nil); err != nil {
		return err
	}
	n.api.GrantsChanged(host)
	if err := n.network.Forget(ctx, host); err != nil {
		return err
	}
	n.folders.Unpaired(host)
	return n.leaveDesk(ctx, host)
}

// Grant sets what a paired computer may do here.
func (n *Node) Grant(ctx context.Context, host fusion.HostID, grants []fusion.Grant) (fusion.HostInfo, error) {
	if err := n.network.SetGrants(ctx, host, grants); err != nil {
		return fusion.HostInfo{}, err
	}
	n.api.GrantsChanged(host)
	n.tellSelf() // it says to each what that may do
	peer, err := n.network.Lookup(string(host))
	if err != nil {
		return fusion.HostInfo{}, err
	}
	return n.peerInfo(peer), nil
}

// Nearby lists computers with a node that mDNS sees.
func (n *Node) Nearby() []*pb.NearbyHost {
	return convert.All(n.network.Nearby(), func(p peers.Nearby) *pb.NearbyHost {
		return &pb.NearbyHost{Id: string(p.ID), Name: p.Name, Number: p.Number}
	})
}

// Doctor looks for what is missing on this computer.
func (n *Node) Doctor(ctx context.Context) []*pb.Check {
	var out []*pb.Check
	for _, c := range n.vms.Checks(ctx) {
		out = append(out, &pb.Check{Name: c.Name, State: string(c.State), Text: c.Text, Hint: c.Hint})
	}
	for _, c := range remoteapp.Checks() {
		out = append(out, &pb.Check{Name: c.Name, State: string(c.State), Text: c.Text, Hint: c.Hint})
	}
	return append(out, n.mappingCheck())
}

// mappingCheck says whether the router of the own network leads others here.
func (n *Node) mappingCheck() *pb.Check {
	s := n.network.Mapping()
	c := &pb.Check{Name: "port", State: "ok"}
	switch {
	case s.TCP.IsValid():
		c.Text = fmt.Sprintf("the router opened port %d (%s)", s.TCP.Port(), s.Kind)
	case s.WhyNot != "":
		c.Text, c.Hint = "the router opened no port", s.WhyNot
	default:
		c.Text = "the router is being asked to open a port"
	}
	return c
}
