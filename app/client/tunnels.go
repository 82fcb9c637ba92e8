package client

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type tunnels host

var _ fusion.Tunnels = (*tunnels)(nil)

func (h *host) Tunnels() fusion.Tunnels { return (*tunnels)(h) }

func (t *tunnels) List(ctx context.Context) ([]fusion.Tunnel, error) {
	res, err := call(ctx, t.label, t.c.tunnels.List, &pb.TunnelListRequest{Host: t.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Tunnels, convert.TunnelFromPB), nil
}

func (t *tunnels) Add(ctx context.Context, spec fusion.TunnelSpec) (fusion.Tunnel, error) {
	res, err := call(ctx, t.label, t.c.tunnels.Add, &pb.TunnelAddRequest{Host: t.name, Spec: convert.TunnelSpecToPB(spec)})
	if err != nil {
		return fusion.Tunnel{}, err
	}
	return convert.TunnelFromPB(res), nil
}

func (t *tunnels) Remove(ctx context.Context, id string) error {
	_, err := call(ctx, t.label, t.c.tunnels.Remove, &pb.TunnelRemoveRequest{Host: t.name, Id: id})
	return err
}

func (t *tunnels) Limit(ctx context.Context, id string, bytes int64) (fusion.Tunnel, error) {
	res, err := call(ctx, t.label, t.c.tunnels.Limit, &pb.TunnelLimitRequest{Host: t.name, Id: id, Limit: bytes})
	if err != nil {
		return fusion.Tunnel{}, err
	}
	return convert.TunnelFromPB(res), nil
}

func (t *tunnels) History(ctx context.Context, id string) ([]fusion.TunnelPoint, error) {
	res, err := call(ctx, t.label, t.c.tunnels.History, &pb.TunnelHistoryRequest{Host: t.name, Id: id})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Points, convert.TunnelPointFromPB), nil
}

func (t *tunnels) Watch(ctx context.Context, changed func([]fusion.Tunnel)) error {
	stream, err := t.c.tunnels.Watch(ctx, connect.NewRequest(&pb.TunnelListRequest{Host: t.name}))
	if err != nil {
		return convert.ErrorFromPB(err, t.label)
	}
	for stream.Receive() {
		changed(convert.All(stream.Msg().Tunnels, convert.TunnelFromPB))
	}
	err = stream.Err()
	_ = stream.Close() // err says what happened
	if err == nil {
		err = connect.NewError(connect.CodeUnavailable, errEnded)
	}
	return convert.ErrorFromPB(err, t.label)
}
