package main

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

type fakeDevices struct {
	hitherv1connect.UnimplementedDeviceServiceHandler
	*fake
}

func (f fakeDevices) List(ctx context.Context, req *connect.Request[pb.DeviceListRequest]) (*connect.Response[pb.DeviceListResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.DeviceListResponse, error) {
		list, err := h.Devices().List(ctx)
		return &pb.DeviceListResponse{Devices: convert.All(list, convert.DeviceToPB)}, err
	})
}

// changeDevice changes the devices of nas/win11 as the machine in memory does.
func (f fakeHardware) changeDevice(c *pb.HardwareChange) (*connect.Response[pb.HardwareChanged], error) {
	return asks(f.fake, "nas", func(h fusion.Host) (*pb.HardwareChanged, error) {
		done, err := h.Hardware().Change(context.Background(), "win11", convert.ChangeFromPB(c))
		return convert.ChangedToPB(done), err
	})
}
