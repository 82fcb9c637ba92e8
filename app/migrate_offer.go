package app

import (
	"hither/app/convert"
	pb "hither/proto/hither/v1"
	"hither/vmctl"
)

func offerToPB(o vmctl.MigrationOffer) *pb.PrepareMoveRequest {
	return &pb.PrepareMoveRequest{
		Id: o.ID, Uuid: o.UUID, Name: o.Name, MemoryBytes: o.MemoryBytes, Cpus: int32(o.CPUs), Images: o.Images, Off: o.Off, Start: o.Start,
		Firmware: o.Firmware, Vars: o.Vars, Tpm: o.TPM,
		Disks: convert.All(o.Disks, func(d vmctl.MigrationDisk) *pb.MovingDisk {
			return &pb.MovingDisk{File: d.File, Bytes: d.Bytes, Stored: d.Stored}
		}),
		Needs: &pb.MachineNeeds{Kind: o.Needs.Kind, Arch: o.Needs.Arch, Machine: o.Needs.Machine, Cpu: o.Needs.CPU,
			Networks: o.Needs.Networks, Bridges: o.Needs.Bridges},
		Forwards: convert.All(o.Forwards, convert.ForwardToPB),
	}
}

func offerFromPB(o *pb.PrepareMoveRequest) vmctl.MigrationOffer {
	n := o.GetNeeds()
	return vmctl.MigrationOffer{
		ID: o.GetId(), UUID: o.GetUuid(), Name: o.GetName(), MemoryBytes: o.GetMemoryBytes(), CPUs: int(o.GetCpus()), Images: o.GetImages(),
		Off: o.GetOff(), Start: o.GetStart(),
		Firmware: o.GetFirmware(), Vars: o.GetVars(), TPM: o.GetTpm(),
		Disks: convert.All(o.GetDisks(), func(d *pb.MovingDisk) vmctl.MigrationDisk {
			return vmctl.MigrationDisk{File: d.GetFile(), Bytes: d.GetBytes(), Stored: d.GetStored()}
		}),
		Needs: vmctl.MachineNeeds{Kind: n.GetKind(), Arch: n.GetArch(), Machine: n.GetMachine(), CPU: n.GetCpu(),
			Networks: n.GetNetworks(), Bridges: n.GetBridges()},
		Forwards: convert.All(o.GetForwards(), convert.ForwardFromPB),
	}
}
