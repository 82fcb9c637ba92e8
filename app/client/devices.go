package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type devices host

var _ fusion.Devices = (*devices)(nil)

func (d *devices) List(ctx context.Context) ([]fusion.Device, error) {
	res, err := call(ctx, d.label, d.c.devices.List, &pb.DeviceListRequest{Host: d.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Devices, convert.DeviceFromPB), nil
}
