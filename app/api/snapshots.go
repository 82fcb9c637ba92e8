package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func (m machineService) Snapshots(ctx context.Context, req *connect.Request[pb.MachineSnapshotsRequest]) (*connect.Response[pb.MachineSnapshotsResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Machines().Snapshots(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.MachineSnapshotsResponse{Snapshots: convert.All(list, convert.SnapshotToPB)}), nil
}

func (m machineService) TakeSnapshot(ctx context.Context, req *connect.Request[pb.TakeSnapshotRequest]) (*connect.Response[pb.Snapshot], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	spec := fusion.SnapshotSpec{Name: req.Msg.Name, Note: req.Msg.Note, NoMemory: req.Msg.NoMemory}
	snapshot, err := h.Machines().TakeSnapshot(ctx, req.Msg.Machine, spec)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.SnapshotToPB(snapshot)), nil
}

func (m machineService) RevertSnapshot(ctx context.Context, req *connect.Request[pb.RevertSnapshotRequest]) (*connect.Response[pb.RevertSnapshotResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Machines().RevertSnapshot(ctx, req.Msg.Machine, req.Msg.Snapshot); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.RevertSnapshotResponse{}), nil
}

func (m machineService) RemoveSnapshot(ctx context.Context, req *connect.Request[pb.RemoveSnapshotRequest]) (*connect.Response[pb.RemoveSnapshotResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Machines().RemoveSnapshot(ctx, req.Msg.Machine, req.Msg.Snapshot); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.RemoveSnapshotResponse{}), nil
}
