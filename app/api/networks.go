package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type networkService struct{ s *Server }

// networkOf fills in whose network it is.
func networkOf(n fusion.Network, host fusion.HostInfo) *pb.Network {
	n.Host = host.Name
	return convert.NetworkToPB(n)
}

// one calls do on the networks of a host and names the network it gives.
func (n networkService) one(ctx context.Context, host string, do func(fusion.Networks) (fusion.Network, error)) (*connect.Response[pb.Network], error) {
	h, info, err := n.s.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	network, err := do(h.Networks())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(networkOf(network, info)), nil
}

func (n networkService) List(ctx context.Context, req *connect.Request[pb.NetworkListRequest]) (*connect.Response[pb.NetworkListResponse], error) {
	h, info, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Networks().List(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.NetworkListResponse{
		Networks: convert.All(list, func(x fusion.Network) *pb.Network { return networkOf(x, info) }),
	}), nil
}

func (n networkService) Get(ctx context.Context, req *connect.Request[pb.NetworkGetRequest]) (*connect.Response[pb.Network], error) {
	return n.one(ctx, req.Msg.Host, func(x fusion.Networks) (fusion.Network, error) { return x.Get(ctx, req.Msg.Name) })
}

func (n networkService) Create(ctx context.Context, req *connect.Request[pb.NetworkCreateRequest]) (*connect.Response[pb.Network], error) {
	spec := fusion.NetworkSpec{Name: req.Msg.Name, Kind: fusion.NetworkKind(req.Msg.Kind), Subnet: req.Msg.Subnet, Bridge: req.Msg.Bridge}
	return n.one(ctx, req.Msg.Host, func(x fusion.Networks) (fusion.Network, error) { return x.Create(ctx, spec) })
}

// on calls do on the networks of a host.
func (n networkService) on(ctx context.Context, host string, do func(fusion.Networks) error) error {
	h, _, err := n.s.resolve(ctx, host)
	if err != nil {
		return err
	}
	return do(h.Networks())
}

func (n networkService) Remove(ctx context.Context, req *connect.Request[pb.NetworkRemoveRequest]) (*connect.Response[pb.NetworkRemoveResponse], error) {
	err := n.on(ctx, req.Msg.Host, func(x fusion.Networks) error { return x.Remove(ctx, req.Msg.Name) })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.NetworkRemoveResponse{}), nil
}

func (n networkService) Start(ctx context.Context, req *connect.Request[pb.NetworkStartRequest]) (*connect.Response[pb.NetworkStartResponse], error) {
	err := n.on(ctx, req.Msg.Host, func(x fusion.Networks) error { return x.Start(ctx, req.Msg.Name) })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.NetworkStartResponse{}), nil
}

func (n networkService) Stop(ctx context.Context, req *connect.Request[pb.NetworkStopRequest]) (*connect.Response[pb.NetworkStopResponse], error) {
	err := n.on(ctx, req.Msg.Host, func(x fusion.Networks) error { return x.Stop(ctx, req.Msg.Name) })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.NetworkStopResponse{}), nil
}

func (n networkService) Leases(ctx context.Context, req *connect.Request[pb.NetworkLeasesRequest]) (*connect.Response[pb.NetworkLeasesResponse], error) {
	h, _, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Networks().Leases(ctx, req.Msg.Name)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.NetworkLeasesResponse{Leases: convert.All(list, convert.LeaseToPB)}), nil
}

func (n networkService) Cards(ctx context.Context, req *connect.Request[pb.CardsRequest]) (*connect.Response[pb.CardsResponse], error) {
	h, _, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Networks().NICs(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.CardsResponse{Nics: convert.All(list, convert.NICToPB)}), nil
}
