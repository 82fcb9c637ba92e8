package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	pb "hither/proto/hither/v1"
)

type forwardService struct{ s *Server }

func (f forwardService) List(ctx context.Context, req *connect.Request[pb.ForwardListRequest]) (*connect.Response[pb.ForwardListResponse], error) {
	h, _, err := f.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Forwards().List(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ForwardListResponse{Forwards: convert.All(list, convert.ForwardToPB)}), nil
}

func (f forwardService) Add(ctx context.Context, req *connect.Request[pb.ForwardAddRequest]) (*connect.Response[pb.Forward], error) {
	h, _, err := f.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	added, err := h.Forwards().Add(ctx, req.Msg.Machine, convert.ForwardFromPB(req.Msg.Forward))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.ForwardToPB(added)), nil
}

func (f forwardService) Remove(ctx context.Context, req *connect.Request[pb.ForwardRemoveRequest]) (*connect.Response[pb.ForwardRemoveResponse], error) {
	h, _, err := f.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Forwards().Remove(ctx, req.Msg.Machine, convert.ForwardFromPB(req.Msg.Forward)); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ForwardRemoveResponse{}), nil
}
