package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type networks host

var _ fusion.Networks = (*networks)(nil)

func (n *networks) path(name string) string { return (*host)(n).path(name) }

func (n *networks) List(ctx context.Context) ([]fusion.Network, error) {
	res, err := call(ctx, n.label, n.c.networks.List, &pb.NetworkListRequest{Host: n.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Networks, convert.NetworkFromPB), nil
}

func (n *networks) Get(ctx context.Context, name string) (fusion.Network, error) {
	res, err := call(ctx, n.path(name), n.c.networks.Get, &pb.NetworkGetRequest{Host: n.name, Name: name})
	if err != nil {
		return fusion.Network{}, err
	}
	return convert.NetworkFromPB(res), nil
}

func (n *networks) Create(ctx context.Context, s fusion.NetworkSpec) (fusion.Network, error) {
	res, err := call(ctx, n.path(s.Name), n.c.networks.Create,
		&pb.NetworkCreateRequest{Host: n.name, Name: s.Name, Kind: string(s.Kind), Subnet: s.Subnet, Bridge: s.Bridge})
	if err != nil {
		return fusion.Network{}, err
	}
	return convert.NetworkFromPB(res), nil
}

func (n *networks) Remove(ctx context.Context, name string) error {
	_, err := call(ctx, n.path(name), n.c.networks.Remove, &pb.NetworkRemoveRequest{Host: n.name, Name: name})
	return err
}

func (n *networks) Start(ctx context.Context, name string) error {
	_, err := call(ctx, n.path(name), n.c.networks.Start, &pb.NetworkStartRequest{Host: n.name, Name: name})
	return err
}

func (n *networks) Stop(ctx context.Context, name string) error {
	_, err := call(ctx, n.path(name), n.c.networks.Stop, &pb.NetworkStopRequest{Host: n.name, Name: name})
	return err
}

func (n *networks) Leases(ctx context.Context, name string) ([]fusion.Lease, error) {
	res, err := call(ctx, n.path(name), n.c.networks.Leases, &pb.NetworkLeasesRequest{Host: n.name, Name: name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Leases, convert.LeaseFromPB), nil
}

func (n *networks) NICs(ctx context.Context, machine string) ([]fusion.NIC, error) {
	res, err := call(ctx, n.path(machine), n.c.networks.Cards, &pb.CardsRequest{Host: n.name, Machine: machine})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Nics, convert.NICFromPB), nil
}

type forwards host

var _ fusion.Forwards = (*forwards)(nil)

func (f *forwards) path(name string) string { return (*host)(f).path(name) }

func (f *forwards) List(ctx context.Context, machine string) ([]fusion.Forward, error) {
	res, err := call(ctx, f.path(machine), f.c.forwards.List, &pb.ForwardListRequest{Host: f.name, Machine: machine})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Forwards, convert.ForwardFromPB), nil
}

func (f *forwards) Add(ctx context.Context, machine string, spec fusion.Forward) (fusion.Forward, error) {
	res, err := call(ctx, f.path(machine), f.c.forwards.Add, &pb.ForwardAddRequest{Host: f.name, Machine: machine, Forward: convert.ForwardToPB(spec)})
	if err != nil {
		return fusion.Forward{}, err
	}
	return convert.ForwardFromPB(res), nil
}

func (f *forwards) Remove(ctx context.Context, machine string, spec fusion.Forward) error {
	_, err := call(ctx, f.path(machine), f.c.forwards.Remove, &pb.ForwardRemoveRequest{Host: f.name, Machine: machine, Forward: convert.ForwardToPB(spec)})
	return err
}
