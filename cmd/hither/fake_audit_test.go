package main

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// fakeAudits is a log of three records here, and one on nas that was changed.
type fakeAudits struct {
	hitherv1connect.UnimplementedAuditServiceHandler
}

var fakeRecords = []*pb.AuditRecord{
	{Seq: 7, Time: timestamppb.New(time.Date(2026, 12, 4, 10, 0, 0, 0, time.UTC)), What: "HostService/Grant", Object: "lap", Detail: "view@web", Result: "ok"},
	{Seq: 8, Time: timestamppb.New(time.Date(2026, 12, 4, 10, 0, 1, 0, time.UTC)), Host: "12D3lap", Name: "lap", What: "/screen", Object: "web\x1b[31m", Result: "ended", Milliseconds: 61000, BytesOut: 1 << 20},
	{Seq: 9, Time: timestamppb.New(time.Date(2026, 12, 4, 10, 0, 2, 0, time.UTC)), Stranger: true, What: "MachineService/List", Result: "refused", Times: 40},
}

func (fakeAudits) List(_ context.Context, req *connect.Request[pb.AuditListRequest]) (*connect.Response[pb.AuditListResponse], error) {
	res := &pb.AuditListResponse{FromSeq: 5, FromTime: fakeRecords[0].Time}
	for _, r := range fakeRecords {
		if (req.Msg.Of == "" || req.Msg.Of == r.Name) && !r.Time.AsTime().Before(req.Msg.Since.AsTime()) {
			res.Records = append(res.Records, r)
		}
	}
	return connect.NewResponse(res), nil
}

func (fakeAudits) Follow(_ context.Context, req *connect.Request[pb.AuditFollowRequest], stream *connect.ServerStream[pb.AuditRecord]) error {
	if err := stream.Send(&pb.AuditRecord{Seq: req.Msg.After + 1, What: "next", Result: "ok"}); err != nil {
		return err
	}
	return convert.ErrorToPB(&fusion.Error{Op: "audit", Cause: fusion.ErrOffline, Detail: "the node is stopping"})
}

func (fakeAudits) Verify(_ context.Context, req *connect.Request[pb.AuditVerifyRequest]) (*connect.Response[pb.AuditVerdict], error) {
	v := &pb.AuditVerdict{Records: 5, FromSeq: 5, FromTime: fakeRecords[0].Time, LastSeq: 9, LastTime: fakeRecords[2].Time, Hash: "beef"}
	if req.Msg.Host != "" {
		v.Bad = "0000000000000001.jsonl line 3, record 7: the hash does not fit"
	}
	return connect.NewResponse(v), nil
}

func (fakeAudits) Live(context.Context, *connect.Request[pb.AuditLiveRequest]) (*connect.Response[pb.AuditLiveResponse], error) {
	return connect.NewResponse(&pb.AuditLiveResponse{Sessions: []*pb.AuditSession{
		{Id: "ABCD", Host: "12D3lap", Name: "lap", What: "/screen", Object: "web", Since: timestamppb.Now(), BytesOut: 2 << 20}}}), nil
}

func (fakeAudits) End(_ context.Context, req *connect.Request[pb.AuditEndRequest]) (*connect.Response[pb.AuditEndResponse], error) {
	if req.Msg.Id != "" && req.Msg.Id != "ABCD" {
		return nil, convert.ErrorToPB(&fusion.Error{Op: "host.kick", Path: req.Msg.Id, Cause: fusion.ErrNotFound})
	}
	return connect.NewResponse(&pb.AuditEndResponse{Ended: 1}), nil
}
