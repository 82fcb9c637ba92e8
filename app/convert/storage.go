package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func PoolToPB(p fusion.Pool) *pb.Pool {
	return &pb.Pool{
		Host: p.Host, Name: p.Name, Kind: p.Kind, Path: p.Path, State: string(p.State),
		TotalBytes: p.TotalBytes, FreeBytes: p.FreeBytes, Note: p.Note, Hint: p.Hint,
	}
}

func PoolFromPB(p *pb.Pool) fusion.Pool {
	return fusion.Pool{
		Host: p.GetHost(), Name: p.GetName(), Kind: p.GetKind(), Path: p.GetPath(), State: fusion.PoolState(p.GetState()),
		TotalBytes: p.GetTotalBytes(), FreeBytes: p.GetFreeBytes(), Note: p.GetNote(), Hint: p.GetHint(),
	}
}

func VolumeToPB(v fusion.Volume) *pb.Volume {
	return &pb.Volume{
		Pool: v.Pool, Name: v.Name, Format: v.Format, CapacityBytes: v.CapacityBytes, AllocationBytes: v.AllocationBytes,
		Base: v.Base, Machines: v.Machines, BaseOf: v.BaseOf,
	}
}

func VolumeFromPB(v *pb.Volume) fusion.Volume {
	return fusion.Volume{
		Pool: v.GetPool(), Name: v.GetName(), Format: v.GetFormat(), CapacityBytes: v.GetCapacityBytes(), AllocationBytes: v.GetAllocationBytes(),
		Base: v.GetBase(), Machines: list(v.GetMachines()), BaseOf: list(v.GetBaseOf()),
	}
}
