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

// fakeMeters measured only "self", in its last step, and its disk was not read.
type fakeMeters struct {
	hitherv1connect.UnimplementedMeterServiceHandler
	fake *fake
}

func (f fakeMeters) History(_ context.Context, req *connect.Request[pb.MeterHistoryRequest]) (*connect.Response[pb.MeterHistoryResponse], error) {
	r := req.Msg
	if _, err := (fakeMachines{fake: f.fake}).find(r.Host, r.Machine); err != nil {
		return nil, err
	}
	step, err := fusion.MeterStep(r.From.AsTime(), r.To.AsTime(), int(r.Points))
	if err != nil {
		return refuse[pb.MeterHistoryResponse](fusion.ErrInvalid, r.Machine, fusion.Hint(err))
	}
	res := &pb.MeterHistoryResponse{From: r.From, To: r.To, StepSeconds: int32(step / time.Second)}
	if r.Machine == fusion.Self {
		flat := func(n float32) *pb.MeterRange { return &pb.MeterRange{Min: n / 2, Avg: n, Max: n * 2} }
		res.Points = []*pb.MeterPoint{{At: timestamppb.New(r.To.AsTime().Truncate(step)), Samples: 3, Cpu: flat(0.25), Memory: flat(1 << 30),
			DiskWrite: flat(2048), NetIn: flat(10), NetOut: flat(0)}}
	}
	return answer(res)
}

func (f fakeMeters) Keep(_ context.Context, req *connect.Request[pb.MeterKeepRequest]) (*connect.Response[pb.MeterKeepResponse], error) {
	if _, err := f.fake.host(req.Msg.Host); err != nil {
		return nil, err
	}
	return answer(&pb.MeterKeepResponse{})
}
