package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type deviceService struct{ s *Server }

func (d deviceService) List(ctx context.Context, req *connect.Request[pb.DeviceListRequest]) (*connect.Response[pb.DeviceListResponse], error) {
	h, info, err := d.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Devices().List(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.DeviceListResponse{Devices: convert.All(list, func(x fusion.Device) *pb.Device {
		x.Host = info.Name
		return convert.DeviceToPB(x)
	})}), nil
}

// mayAttach refuses to give away a device of this computer to whoever is not admin here:
// a machine that has it can do with it, and a PCI device to the computer, what its system can.
func (s *Server) mayAttach(ctx context.Context, change *pb.HardwareChange) error {
	if convert.ChangeFromPB(change).Kind == fusion.AttachDevice && !s.may(ctx, fusion.AdminCap) {
		return &fusion.Error{Op: "machine.change", Path: s.node.Name(), Cause: fusion.ErrPermission,
			Detail: "giving a machine a device of its computer needs admin there", Hint: "ask its owner for it: hither host grant HOST admin"}
	}
	return s.mayHost(ctx, convert.ChangeFromPB(change))
}

// mayHost refuses what of the computer's own a change would give a machine, its images and
// its networks, to whoever has only some of its machines.
func (s *Server) mayHost(ctx context.Context, change fusion.Change) error {
	ofHost := change.Kind == fusion.InsertCD || change.Kind == fusion.AddNIC && change.Network != "" && change.Network != fusion.UserNetwork
	if !ofHost || s.may(ctx, fusion.MachinesCap) {
		return nil
	}
	return &fusion.Error{Op: "machine.change", Path: s.node.Name(), Cause: fusion.ErrPermission,
		Detail: "images and networks of that computer need machines as a whole", Hint: "ask its owner for it: hither host grant HOST +machines"}
}
