package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// Moving is the destination of a machine that moves here from another host.
type Moving interface {
	ExamineMove(ctx context.Context, req *pb.ExamineMoveRequest) (*pb.ExamineMoveResponse, error)
	PrepareMove(ctx context.Context, from fusion.HostID, req *pb.PrepareMoveRequest) (*pb.PrepareMoveResponse, error)
	CheckMove(ctx context.Context, from fusion.HostID, req *pb.CheckMoveRequest) (*pb.CheckMoveResponse, error)
	SettleMove(ctx context.Context, from fusion.HostID, req *pb.SettleMoveRequest) error
}

func (m machineService) Migrate(ctx context.Context, req *connect.Request[pb.MigrateRequest]) (*connect.Response[pb.MigrateResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Machines().Migrate(ctx, req.Msg.Name, fusion.HostID(req.Msg.To), fusion.MigrateOptions{Off: req.Msg.Off}); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.MigrateResponse{}), nil
}

func (m machineService) CheckMigrate(ctx context.Context, req *connect.Request[pb.CheckMigrateRequest]) (*connect.Response[pb.MigrateCheck], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	check, err := h.Machines().CheckMigrate(ctx, req.Msg.Name, fusion.HostID(req.Msg.To))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.MigrateCheckToPB(check)), nil
}

func (m machineService) ExamineMove(ctx context.Context, req *connect.Request[pb.ExamineMoveRequest]) (*connect.Response[pb.ExamineMoveResponse], error) {
	found, err := m.s.node.ExamineMove(ctx, req.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(found), nil
}

func (m machineService) PrepareMove(ctx context.Context, req *connect.Request[pb.PrepareMoveRequest]) (*connect.Response[pb.PrepareMoveResponse], error) {
	room, err := m.s.node.PrepareMove(ctx, callerOf(ctx).Peer, req.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(room), nil
}

func (m machineService) CheckMove(ctx context.Context, req *connect.Request[pb.CheckMoveRequest]) (*connect.Response[pb.CheckMoveResponse], error) {
	res, err := m.s.node.CheckMove(ctx, callerOf(ctx).Peer, req.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(res), nil
}

func (m machineService) SettleMove(ctx context.Context, req *connect.Request[pb.SettleMoveRequest]) (*connect.Response[pb.SettleMoveResponse], error) {
	if err := m.s.node.SettleMove(ctx, callerOf(ctx).Peer, req.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.SettleMoveResponse{}), nil
}
