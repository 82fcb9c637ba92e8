package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type netBoot host

var _ fusion.NetBoot = (*netBoot)(nil)

func (n *netBoot) Show(ctx context.Context, after int64) (fusion.NetBootState, error) {
	res, err := call(ctx, n.label, n.c.netBoot.Show, &pb.NetBootShowRequest{Host: n.name, After: after})
	if err != nil {
		return fusion.NetBootState{}, err
	}
	return convert.NetBootFromPB(res), nil
}

func (n *netBoot) Switch(ctx context.Context, spec fusion.NetBootSpec) (fusion.NetBootState, error) {
	res, err := call(ctx, n.label, n.c.netBoot.Switch, &pb.NetBootSwitchRequest{Host: n.name, On: spec.On, Interface: spec.Interface})
	if err != nil {
		return fusion.NetBootState{}, err
	}
	return convert.NetBootFromPB(res), nil
}

func (n *netBoot) Install(ctx context.Context, spec fusion.BareSpec) (fusion.BareComputer, error) {
	req := convert.BareSpecToPB(spec)
	req.Host = n.name
	res, err := long(ctx, n.c, (*host)(n).path(spec.Name), n.c.netBoot.Install, req)
	if err != nil {
		return fusion.BareComputer{}, err
	}
	return convert.BareComputerFromPB(res), nil
}

func (n *netBoot) Forget(ctx context.Context, mac string) error {
	_, err := call(ctx, (*host)(n).path(mac), n.c.netBoot.Forget, &pb.NetBootForgetRequest{Host: n.name, Mac: mac})
	return err
}
