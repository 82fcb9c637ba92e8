package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	pb "hither/proto/hither/v1"
)

type hardwareService struct{ s *Server }

func (h hardwareService) Show(ctx context.Context, req *connect.Request[pb.HardwareShowRequest]) (*connect.Response[pb.Parts], error) {
	host, _, err := h.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	parts, err := host.Hardware().Show(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.PartsToPB(parts)), nil
}

func (h hardwareService) Change(ctx context.Context, req *connect.Request[pb.HardwareChangeRequest]) (*connect.Response[pb.HardwareChanged], error) {
	host, _, err := h.s.resolve(ctx, req.Msg.Host)
	if err == nil {
		err = h.s.mayAttach(ctx, req.Msg.Change)
	}
	if err != nil {
		return nil, err
	}
	done, err := host.Hardware().Change(ctx, req.Msg.Machine, convert.ChangeFromPB(req.Msg.Change))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.ChangedToPB(done)), nil
}

func (h hardwareService) Label(ctx context.Context, req *connect.Request[pb.LabelRequest]) (*connect.Response[pb.Machine], error) {
	host, info, err := h.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	machine, err := host.Hardware().Label(ctx, req.Msg.Machine, convert.LabelChangeFromPB(req.Msg.Change))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(named(machine, info)), nil
}

func (h hardwareService) Rename(ctx context.Context, req *connect.Request[pb.RenameRequest]) (*connect.Response[pb.RenameResponse], error) {
	host, _, err := h.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := host.Hardware().Rename(ctx, req.Msg.Machine, req.Msg.Name); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.RenameResponse{}), nil
}

func (h hardwareService) Save(ctx context.Context, req *connect.Request[pb.SaveRequest]) (*connect.Response[pb.SaveResponse], error) {
	host, _, err := h.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := host.Hardware().Save(ctx, req.Msg.Machine); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.SaveResponse{}), nil
}
