package main

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

type fakeJobs struct {
	hitherv1connect.UnimplementedJobServiceHandler
	*fake
}

// List has a job of each kind on nas.
func (f fakeJobs) List(_ context.Context, req *connect.Request[pb.JobListRequest]) (*connect.Response[pb.JobListResponse], error) {
	name, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	res := &pb.JobListResponse{}
	if name != "nas" {
		return answer(res)
	}
	started := timestamppb.New(time.Now().Add(-3*time.Minute - time.Second))
	ended := func(later time.Duration) *timestamppb.Timestamp {
		return timestamppb.New(started.AsTime().Add(later))
	}
	res.Jobs = []*pb.Job{
		{Id: "J1", Host: "nas", Op: "machine.create", Name: "web", Started: started, Step: "copies", Done: 1 << 30, Total: 2 << 30, Rate: 9 << 20, Left: 114},
		{Id: "J2", Host: "nas", Op: "machine.create", Name: "db", Started: started, Ended: ended(0), Error: "machine.create: canceled"},
		{Id: "J3", Host: "nas", Op: "machine.clone", Name: "ci", Made: "ci-2", Started: started, Ended: ended(time.Second)},
		{Id: "J4", Host: "nas", Op: "machine.backup", Name: "ci", Started: started, Ended: ended(2 * time.Second),
			Error: "machine.backup ci: libvirt refuses: internal error: unable to execute QEMU command 'blockdev-backup': no such thing\nand more of it"},
		{Id: "J5", Host: "nas", Op: "machine.clone", Name: "ci", Made: "ci-3", Started: timestamppb.New(time.Now().Add(-4*time.Minute - time.Second)), Step: "copies the disks"},
	}
	return answer(res)
}

func (f fakeJobs) Cancel(_ context.Context, req *connect.Request[pb.JobCancelRequest]) (*connect.Response[pb.JobCancelResponse], error) {
	if req.Msg.Id != "J1" {
		return refuse[pb.JobCancelResponse](fusion.ErrNotFound, req.Msg.Host+"/"+req.Msg.Id, "hither job ls")
	}
	return answer(&pb.JobCancelResponse{})
}
