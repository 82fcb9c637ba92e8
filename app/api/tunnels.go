package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type tunnelService struct{ s *Server }

func (t tunnelService) List(ctx context.Context, req *connect.Request[pb.TunnelListRequest]) (*connect.Response[pb.TunnelListResponse], error) {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Tunnels().List(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(tunnelList(list)), nil
}

func tunnelList(list []fusion.Tunnel) *pb.TunnelListResponse {
	return &pb.TunnelListResponse{Tunnels: convert.All(list, convert.TunnelToPB)}
}

func (t tunnelService) Add(ctx context.Context, req *connect.Request[pb.TunnelAddRequest]) (*connect.Response[pb.Tunnel], error) {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	added, err := h.Tunnels().Add(ctx, convert.TunnelSpecFromPB(req.Msg.Spec))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.TunnelToPB(added)), nil
}

func (t tunnelService) Remove(ctx context.Context, req *connect.Request[pb.TunnelRemoveRequest]) (*connect.Response[pb.TunnelRemoveResponse], error) {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Tunnels().Remove(ctx, req.Msg.Id); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.TunnelRemoveResponse{}), nil
}

func (t tunnelService) Limit(ctx context.Context, req *connect.Request[pb.TunnelLimitRequest]) (*connect.Response[pb.Tunnel], error) {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	changed, err := h.Tunnels().Limit(ctx, req.Msg.Id, req.Msg.Limit)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.TunnelToPB(changed)), nil
}

func (t tunnelService) History(ctx context.Context, req *connect.Request[pb.TunnelHistoryRequest]) (*connect.Response[pb.TunnelHistoryResponse], error) {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	points, err := h.Tunnels().History(ctx, req.Msg.Id)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.TunnelHistoryResponse{Points: convert.All(points, convert.TunnelPointToPB)}), nil
}

func (t tunnelService) Watch(ctx context.Context, req *connect.Request[pb.TunnelListRequest], stream *connect.ServerStream[pb.TunnelListResponse]) error {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = h.Tunnels().Watch(ctx, func(list []fusion.Tunnel) {
		if err := stream.Send(tunnelList(list)); err != nil {
			cancel(err) // the watcher left
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
