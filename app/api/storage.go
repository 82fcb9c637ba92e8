package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type storageService struct{ s *Server }

func (t storageService) Pools(ctx context.Context, req *connect.Request[pb.PoolsRequest]) (*connect.Response[pb.PoolsResponse], error) {
	h, info, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Storage().Pools(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.PoolsResponse{Pools: convert.All(list, func(p fusion.Pool) *pb.Pool {
		p.Host = info.Name
		return convert.PoolToPB(p)
	})}), nil
}

func (t storageService) Volumes(ctx context.Context, req *connect.Request[pb.VolumesRequest]) (*connect.Response[pb.VolumesResponse], error) {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Storage().Volumes(ctx, req.Msg.Pool)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.VolumesResponse{Volumes: convert.All(list, convert.VolumeToPB)}), nil
}

// one calls do on the storage of a host.
func (t storageService) one(ctx context.Context, host string, do func(fusion.Storage) (fusion.Volume, error)) (*connect.Response[pb.Volume], error) {
	h, _, err := t.s.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	v, err := do(h.Storage())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.VolumeToPB(v)), nil
}

func (t storageService) CreateVolume(ctx context.Context, req *connect.Request[pb.CreateVolumeRequest]) (*connect.Response[pb.Volume], error) {
	spec := fusion.VolumeSpec{Pool: req.Msg.Pool, Name: req.Msg.Name, Format: req.Msg.Format, CapacityBytes: req.Msg.CapacityBytes}
	return t.one(ctx, req.Msg.Host, func(x fusion.Storage) (fusion.Volume, error) { return x.CreateVolume(ctx, spec) })
}

func (t storageService) GrowVolume(ctx context.Context, req *connect.Request[pb.GrowVolumeRequest]) (*connect.Response[pb.Volume], error) {
	return t.one(ctx, req.Msg.Host, func(x fusion.Storage) (fusion.Volume, error) {
		return x.GrowVolume(ctx, req.Msg.Pool, req.Msg.Name, req.Msg.CapacityBytes)
	})
}

func (t storageService) RemoveVolume(ctx context.Context, req *connect.Request[pb.RemoveVolumeRequest]) (*connect.Response[pb.RemoveVolumeResponse], error) {
	h, _, err := t.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Storage().RemoveVolume(ctx, req.Msg.Pool, req.Msg.Name); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.RemoveVolumeResponse{}), nil
}
