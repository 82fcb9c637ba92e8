package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type storage host

var _ fusion.Storage = (*storage)(nil)

func (t *storage) path(name string) string { return (*host)(t).path(name) }

func (t *storage) Pools(ctx context.Context) ([]fusion.Pool, error) {
	res, err := call(ctx, t.label, t.c.storage.Pools, &pb.PoolsRequest{Host: t.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Pools, convert.PoolFromPB), nil
}

func (t *storage) Volumes(ctx context.Context, pool string) ([]fusion.Volume, error) {
	res, err := call(ctx, t.path(pool), t.c.storage.Volumes, &pb.VolumesRequest{Host: t.name, Pool: pool})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Volumes, convert.VolumeFromPB), nil
}

func (t *storage) CreateVolume(ctx context.Context, s fusion.VolumeSpec) (fusion.Volume, error) {
	res, err := call(ctx, t.path(s.Pool+"/"+s.Name), t.c.storage.CreateVolume,
		&pb.CreateVolumeRequest{Host: t.name, Pool: s.Pool, Name: s.Name, Format: s.Format, CapacityBytes: s.CapacityBytes})
	if err != nil {
		return fusion.Volume{}, err
	}
	return convert.VolumeFromPB(res), nil
}

func (t *storage) GrowVolume(ctx context.Context, pool, name string, bytes int64) (fusion.Volume, error) {
	res, err := call(ctx, t.path(pool+"/"+name), t.c.storage.GrowVolume,
		&pb.GrowVolumeRequest{Host: t.name, Pool: pool, Name: name, CapacityBytes: bytes})
	if err != nil {
		return fusion.Volume{}, err
	}
	return convert.VolumeFromPB(res), nil
}

func (t *storage) RemoveVolume(ctx context.Context, pool, name string) error {
	_, err := call(ctx, t.path(pool+"/"+name), t.c.storage.RemoveVolume, &pb.RemoveVolumeRequest{Host: t.name, Pool: pool, Name: name})
	return err
}
