package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func DeviceToPB(d fusion.Device) *pb.Device {
	return &pb.Device{Host: d.Host, Id: d.ID, Kind: d.Kind, Name: d.Name, Drivers: d.Drivers, Group: int32(d.Group),
		Machines: d.Machines, Note: d.Note, Hint: d.Hint, FarNote: d.FarNote, FarHint: d.FarHint}
}

func DeviceFromPB(d *pb.Device) fusion.Device {
	return fusion.Device{Host: d.GetHost(), ID: d.GetId(), Kind: d.GetKind(), Name: d.GetName(), Drivers: list(d.GetDrivers()),
		Group: int(d.GetGroup()), Machines: list(d.GetMachines()), Note: d.GetNote(), Hint: d.GetHint(),
		FarNote: d.GetFarNote(), FarHint: d.GetFarHint()}
}

func DevicePartToPB(d fusion.DevicePart) *pb.DevicePart {
	return &pb.DevicePart{Id: d.ID, Name: d.Name, Of: string(d.Of), From: string(d.From), FromName: d.FromName, Note: d.Note, Hint: d.Hint}
}

func DevicePartFromPB(d *pb.DevicePart) fusion.DevicePart {
	return fusion.DevicePart{ID: d.GetId(), Name: d.GetName(), Of: fusion.Of(d.GetOf()), From: fusion.HostID(d.GetFrom()), FromName: d.GetFromName(),
		Note: d.GetNote(), Hint: d.GetHint()}
}
