package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type netBootService struct{ s *Server }

// state answers with what do gives of a host.
func (n netBootService) state(ctx context.Context, host string, do func(fusion.NetBoot) (fusion.NetBootState, error)) (*connect.Response[pb.NetBootState], error) {
	h, info, err := n.s.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	state, err := do(h.NetBoot())
	if err != nil {
		return nil, err
	}
	state.Host = info.Name
	return connect.NewResponse(convert.NetBootToPB(state)), nil
}

func (n netBootService) Show(ctx context.Context, req *connect.Request[pb.NetBootShowRequest]) (*connect.Response[pb.NetBootState], error) {
	return n.state(ctx, req.Msg.Host, func(b fusion.NetBoot) (fusion.NetBootState, error) { return b.Show(ctx, req.Msg.After) })
}

func (n netBootService) Switch(ctx context.Context, req *connect.Request[pb.NetBootSwitchRequest]) (*connect.Response[pb.NetBootState], error) {
	return n.state(ctx, req.Msg.Host, func(b fusion.NetBoot) (fusion.NetBootState, error) {
		return b.Switch(ctx, fusion.NetBootSpec{On: req.Msg.On, Interface: req.Msg.Interface})
	})
}

func (n netBootService) Install(ctx context.Context, req *connect.Request[pb.NetBootInstallRequest]) (*connect.Response[pb.BareComputer], error) {
	h, _, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	c, err := h.NetBoot().Install(ctx, convert.BareSpecFromPB(req.Msg))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BareComputerToPB(c)), nil
}

func (n netBootService) Forget(ctx context.Context, req *connect.Request[pb.NetBootForgetRequest]) (*connect.Response[pb.NetBootForgetResponse], error) {
	h, _, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.NetBoot().Forget(ctx, req.Msg.Mac); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.NetBootForgetResponse{}), nil
}
