package main

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func (f fakeMachines) Snapshots(_ context.Context, req *connect.Request[pb.MachineSnapshotsRequest]) (*connect.Response[pb.MachineSnapshotsResponse], error) {
	if _, err := f.find(req.Msg.Host, req.Msg.Machine); err != nil {
		return nil, err
	}
	return answer(&pb.MachineSnapshotsResponse{Snapshots: f.kept})
}

// TakeSnapshot makes each the child of the one before.
func (f fakeMachines) TakeSnapshot(_ context.Context, req *connect.Request[pb.TakeSnapshotRequest]) (*connect.Response[pb.Snapshot], error) {
	r := req.Msg
	s := &pb.Snapshot{Name: r.Name, Note: r.Note, State: "running", Memory: !r.NoMemory, Current: true,
		Created: timestamppb.New(time.Now().Add(-2*time.Hour - time.Minute))}
	for _, last := range f.kept {
		last.Current = false
		s.Parent = last.Name
	}
	f.fake.kept = append(f.fake.kept, s)
	return answer(s)
}

func (f fakeMachines) RevertSnapshot(_ context.Context, req *connect.Request[pb.RevertSnapshotRequest]) (*connect.Response[pb.RevertSnapshotResponse], error) {
	if !slices.ContainsFunc(f.kept, func(s *pb.Snapshot) bool { return s.Name == req.Msg.Snapshot }) {
		return refuse[pb.RevertSnapshotResponse](fusion.ErrNotFound, req.Msg.Machine+"/"+req.Msg.Snapshot, "hither machine snapshot ls")
	}
	for _, s := range f.kept {
		s.Current = s.Name == req.Msg.Snapshot
	}
	return answer(&pb.RevertSnapshotResponse{})
}

func (f fakeMachines) RemoveSnapshot(_ context.Context, req *connect.Request[pb.RemoveSnapshotRequest]) (*connect.Response[pb.RemoveSnapshotResponse], error) {
	f.fake.kept = slices.DeleteFunc(f.kept, func(s *pb.Snapshot) bool { return s.Name == req.Msg.Snapshot })
	return answer(&pb.RemoveSnapshotResponse{})
}
