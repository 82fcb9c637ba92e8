package main

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

type fakeNetBoot struct {
	hitherv1connect.UnimplementedNetBootServiceHandler
	*fake
}

func (f fakeNetBoot) state(host string, do func(fusion.NetBoot) (fusion.NetBootState, error)) (*connect.Response[pb.NetBootState], error) {
	return asks(f.fake, host, func(h fusion.Host) (*pb.NetBootState, error) {
		state, err := do(h.NetBoot())
		return convert.NetBootToPB(state), err
	})
}

func (f fakeNetBoot) Show(ctx context.Context, req *connect.Request[pb.NetBootShowRequest]) (*connect.Response[pb.NetBootState], error) {
	return f.state(req.Msg.Host, func(b fusion.NetBoot) (fusion.NetBootState, error) { return b.Show(ctx, req.Msg.After) })
}

func (f fakeNetBoot) Switch(ctx context.Context, req *connect.Request[pb.NetBootSwitchRequest]) (*connect.Response[pb.NetBootState], error) {
	return f.state(req.Msg.Host, func(b fusion.NetBoot) (fusion.NetBootState, error) {
		return b.Switch(ctx, fusion.NetBootSpec{On: req.Msg.On, Interface: req.Msg.Interface})
	})
}

func (f fakeNetBoot) Install(ctx context.Context, req *connect.Request[pb.NetBootInstallRequest]) (*connect.Response[pb.BareComputer], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.BareComputer, error) {
		c, err := h.NetBoot().Install(ctx, convert.BareSpecFromPB(req.Msg))
		return convert.BareComputerToPB(c), err
	})
}

func (f fakeNetBoot) Forget(ctx context.Context, req *connect.Request[pb.NetBootForgetRequest]) (*connect.Response[pb.NetBootForgetResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.NetBootForgetResponse, error) {
		return &pb.NetBootForgetResponse{}, h.NetBoot().Forget(ctx, req.Msg.Mac)
	})
}
