package main

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// fakeTunnels are those of nas and, as that is what people type, of this computer: the same.
type fakeTunnels struct {
	hitherv1connect.UnimplementedTunnelServiceHandler
	*fake
}

func (f fakeTunnels) of(string) string { return "nas" }

func (f fakeTunnels) List(ctx context.Context, req *connect.Request[pb.TunnelListRequest]) (*connect.Response[pb.TunnelListResponse], error) {
	return asks(f.fake, f.of(req.Msg.Host), func(h fusion.Host) (*pb.TunnelListResponse, error) {
		list, err := h.Tunnels().List(ctx)
		for i := range list {
			if list[i].Proto == "udp" {
				list[i].State, list[i].Note, list[i].Hint = fusion.TunnelFailed, "nobody listens there", "start the service, or look at its port"
			} else {
				list[i].Connections, list[i].Total, list[i].BytesIn, list[i].RateIn = 2, 9, 5<<20, 1<<20
			}
		}
		return &pb.TunnelListResponse{Tunnels: convert.All(list, convert.TunnelToPB)}, err
	})
}

func (f fakeTunnels) Add(ctx context.Context, req *connect.Request[pb.TunnelAddRequest]) (*connect.Response[pb.Tunnel], error) {
	return asks(f.fake, f.of(req.Msg.Host), func(h fusion.Host) (*pb.Tunnel, error) {
		added, err := h.Tunnels().Add(ctx, convert.TunnelSpecFromPB(req.Msg.Spec))
		return convert.TunnelToPB(added), err
	})
}

func (f fakeTunnels) Remove(ctx context.Context, req *connect.Request[pb.TunnelRemoveRequest]) (*connect.Response[pb.TunnelRemoveResponse], error) {
	return asks(f.fake, f.of(req.Msg.Host), func(h fusion.Host) (*pb.TunnelRemoveResponse, error) {
		return &pb.TunnelRemoveResponse{}, h.Tunnels().Remove(ctx, req.Msg.Id)
	})
}

func (f fakeTunnels) Limit(ctx context.Context, req *connect.Request[pb.TunnelLimitRequest]) (*connect.Response[pb.Tunnel], error) {
	return asks(f.fake, f.of(req.Msg.Host), func(h fusion.Host) (*pb.Tunnel, error) {
		changed, err := h.Tunnels().Limit(ctx, req.Msg.Id, req.Msg.Limit)
		return convert.TunnelToPB(changed), err
	})
}

// Watch is not for the command line.
func (f fakeTunnels) Watch(ctx context.Context, req *connect.Request[pb.TunnelListRequest], s *connect.ServerStream[pb.TunnelListResponse]) error {
	return f.UnimplementedTunnelServiceHandler.Watch(ctx, req, s)
}
