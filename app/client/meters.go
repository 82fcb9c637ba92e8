package client

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type meters host

var _ fusion.Meters = (*meters)(nil)

func (h *host) Meters() fusion.Meters { return (*meters)(h) }

func (m *meters) path(name string) string { return (*host)(m).path(name) }

func (m *meters) History(ctx context.Context, machine string, from, to time.Time, points int) (fusion.History, error) {
	res, err := call(ctx, m.path(machine), m.c.meters.History, &pb.MeterHistoryRequest{
		Host: m.name, Machine: machine, From: timestamppb.New(from), To: timestamppb.New(to), Points: int32(min(points, fusion.MostMeterPoints+1)),
	})
	if err != nil {
		return fusion.History{}, err
	}
	if len(res.Points) > fusion.MostMeterPoints+1 {
		return fusion.History{}, &fusion.Error{Op: "meter.history", Path: m.path(machine), Cause: fusion.ErrInvalid, Detail: "it has more points than were asked for"}
	}
	return convert.HistoryFromPB(res), nil
}

func (m *meters) Watch(ctx context.Context, machine string, measured func(fusion.MeterPoint)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := m.c.meters.Watch(ctx, connect.NewRequest(&pb.MeterWatchRequest{Host: m.name, Machine: machine}))
	if err != nil {
		return convert.ErrorFromPB(err, m.path(machine))
	}
	for stream.Receive() {
		measured(convert.MeterPointFromPB(stream.Msg()))
	}
	err = stream.Err()
	cancel()
	_ = stream.Close() // err says what happened
	if err == nil {
		err = connect.NewError(connect.CodeUnavailable, errEnded)
	}
	return convert.ErrorFromPB(err, m.path(machine))
}

func (m *meters) KeepAlways(ctx context.Context, always bool) error {
	_, err := call(ctx, m.label, m.c.meters.Keep, &pb.MeterKeepRequest{Host: m.name, Always: always})
	return err
}
