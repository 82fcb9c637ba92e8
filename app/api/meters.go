package api

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type meterService struct{ s *Server }

func (m meterService) History(ctx context.Context, req *connect.Request[pb.MeterHistoryRequest]) (*connect.Response[pb.MeterHistoryResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	r := req.Msg
	for _, t := range []*timestamppb.Timestamp{r.From, r.To} {
		if t.CheckValid() != nil {
			return nil, &fusion.Error{Op: "meter.history", Path: r.Machine, Cause: fusion.ErrInvalid, Detail: "no such span of time",
				Hint: "ask for at most 24 hours and 1000 points"}
		}
	}
	history, err := h.Meters().History(ctx, r.Machine, r.From.AsTime(), r.To.AsTime(), int(r.Points))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.HistoryToPB(history)), nil
}

// Watch ends when its caller may not look any more.
func (m meterService) Watch(ctx context.Context, req *connect.Request[pb.MeterWatchRequest], stream *connect.ServerStream[pb.MeterPoint]) error {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	caller, object := callerOf(ctx), thingOf(ctx).object
	err = h.Meters().Watch(ctx, req.Msg.Machine, func(p fusion.MeterPoint) {
		if !caller.Owner {
			if err := m.s.allowPeer(caller.Peer, fusion.ViewCap, object); err != nil {
				cancel(err)
				return
			}
		}
		if err := stream.Send(convert.MeterPointToPB(p)); err != nil {
			cancel(err)
		}
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (m meterService) Keep(ctx context.Context, req *connect.Request[pb.MeterKeepRequest]) (*connect.Response[pb.MeterKeepResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Meters().KeepAlways(ctx, req.Msg.Always); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.MeterKeepResponse{}), nil
}
